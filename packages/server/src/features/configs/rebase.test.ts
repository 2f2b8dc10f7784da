/** What a draft changed, on a layer that went on: nobody's change is lost, and who disagrees is told. */
import { type ConfigLayer, canonicalJson } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rebaseDocument } from './rebase.ts';

const rebase = (base: ConfigLayer, draft: ConfigLayer, head: ConfigLayer) =>
  rebaseDocument(base, draft, head, 'draft');
const secret = (id: string) => ({ $secret: { id } });

describe('keys', () => {
  test('what both changed in different places is in it, and nothing else', () => {
    const base = { a: { x: 1, y: 1, z: 1 }, b: [1] };
    const draft = { a: { x: 2, y: 1 }, b: [1], c: true };
    const head = { a: { x: 1, y: 3, z: 1 }, b: [1, 2] };
    expect(rebase(base, draft, head)).toEqual({
      document: { a: { x: 2, y: 3 }, b: [1, 2], c: true },
      conflicts: [],
    });
  });

  test('who disagrees is told by path, and the one asked for wins', () => {
    const base = { a: { x: 1, y: 1 }, list: [1] };
    const draft = { a: { x: 2 }, list: [2] };
    const head = { a: { x: 3, y: 4 }, list: [3] };
    const conflicts = [
      { path: 'a.x', draft: 2, head: 3 },
      { path: 'a.y', head: 4 },
      { path: 'list', draft: [2], head: [3] },
    ];
    expect(rebaseDocument(base, draft, head, 'draft')).toEqual({ document: draft, conflicts });
    expect(rebaseDocument(base, draft, head, 'head')).toEqual({ document: head, conflicts });
  });

  test('an object that one took away and the other added to keeps what was added', () => {
    expect(rebase({ a: { x: 1 } }, {}, { a: { x: 1, y: 2 } })).toEqual({
      document: { a: { y: 2 } },
      conflicts: [],
    });
    expect(rebase({ a: { x: 1 } }, {}, { a: {} })).toEqual({ document: {}, conflicts: [] });
  });

  test('an object against a value is a disagreement', () => {
    const { conflicts } = rebase({ a: 1 }, { a: { x: 1 } }, { a: 2 });
    expect(conflicts).toEqual([{ path: 'a', draft: { x: 1 }, head: 2 }]);
  });

  test('names of the prototype are keys like any other', () => {
    const draft = JSON.parse('{"a":{"__proto__":{"x":1},"toString":1}}') as ConfigLayer;
    const { document, conflicts } = rebase({ a: { y: 1 } }, draft, { a: { y: 1, z: 1 } });
    expect(conflicts).toEqual([]);
    expect(canonicalJson(document)).toBe('{"a":{"__proto__":{"x":1},"toString":1,"z":1}}');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe('lists', () => {
  const items = (...ids: string[]) => ({ rules: ids.map((id) => ({ id })) });

  test('items with ids are merged one by one', () => {
    const base = { rules: [{ id: 'a' }, { id: 'b', n: 1 }, { id: 'c' }] };
    const draft = { rules: [{ id: 'a' }, { id: 'b', n: 2 }, { id: 'new' }] };
    const head = { rules: [{ id: 'x' }, { id: 'a', on: true }, { id: 'b', n: 1 }, { id: 'c' }] };
    expect(rebase(base, draft, head)).toEqual({
      document: {
        rules: [{ id: 'x' }, { id: 'a', on: true }, { id: 'b', n: 2 }, { id: 'new' }],
      },
      conflicts: [],
    });
  });

  test('an item that both changed is a disagreement about that item alone', () => {
    const { document, conflicts } = rebase(
      { rules: [{ id: 'a', n: 1 }] },
      { rules: [{ id: 'a', n: 2 }, { id: 'b' }] },
      { rules: [{ id: 'a', n: 3 }] },
    );
    expect(conflicts).toEqual([{ path: 'rules.a.n', draft: 2, head: 3 }]);
    expect(document).toEqual({ rules: [{ id: 'a', n: 2 }, { id: 'b' }] });
  });

  test('the order of whoever moved items holds; when both did, they disagree', () => {
    const base = items('a', 'b', 'c');
    expect(rebase(base, items('c', 'a', 'b'), items('a', 'b', 'c', 'd')).document).toEqual(
      items('c', 'a', 'b', 'd'),
    );
    expect(rebase(base, items('a', 'b', 'c', 'd'), items('c', 'a', 'b')).document).toEqual(
      items('c', 'a', 'b', 'd'),
    );
    expect(rebase(base, items('c', 'b', 'a'), items('b', 'a', 'c')).conflicts).toMatchObject([
      { path: 'rules' },
    ]);
  });

  test('a list with secrets stays as one of them has it: a secret belongs to its place', () => {
    const list = (...values: object[]) => ({ own: values });
    const base = list({ id: 'a', key: secret('1') });
    const draft = list({ id: 'a', key: secret('1') }, { id: 'b' });
    const head = list({ id: 'new' }, { id: 'a', key: secret('1') });
    expect(rebase(base, draft, head)).toMatchObject({
      document: draft,
      conflicts: [{ path: 'own' }],
    });
    expect(rebase(base, draft, base)).toEqual({ document: draft, conflicts: [] });
  });
});

test('a secret is one value, and never shown', () => {
  const { document, conflicts } = rebase(
    { api: { key: secret('old'), url: 'a' } },
    { api: { key: secret('mine'), url: 'a' } },
    { api: { key: secret('theirs'), url: 'b' } },
  );
  expect(document).toEqual({ api: { key: secret('mine'), url: 'b' } });
  const mask = { $secret: '********' };
  expect(conflicts).toEqual([{ path: 'api.key', draft: mask, head: mask }]);
});

describe('always', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const document = fc.letrec<{ value: unknown; layer: ConfigLayer }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.nat(2),
      fc.array(fc.nat(1), { maxLength: 2 }),
      fc.uniqueArray(fc.record({ id: key, n: fc.nat(1) }), { selector: ({ id }) => id }),
      tie('layer'),
    ),
    layer: fc.dictionary(key, tie('value'), { maxKeys: 3 }),
  })).layer;

  test('who changed nothing changes nothing', () => {
    fc.assert(
      fc.property(document, document, (base, other) => {
        expect(rebase(base, base, other)).toEqual({ document: other, conflicts: [] });
        expect(rebase(base, other, base)).toEqual({ document: other, conflicts: [] });
        expect(rebase(base, other, other)).toEqual({ document: other, conflicts: [] });
      }),
    );
  });

  test('both sides see the same disagreements, and rebasing twice is rebasing once', () => {
    fc.assert(
      fc.property(document, document, document, (base, draft, head) => {
        const once = rebase(base, draft, head);
        const mirrored = rebaseDocument(base, head, draft, 'head');
        expect(mirrored.conflicts.map(({ path }) => path).toSorted()).toEqual(
          once.conflicts.map(({ path }) => path).toSorted(),
        );
        expect(rebase(head, once.document, head)).toEqual({
          document: once.document,
          conflicts: [],
        });
      }),
    );
  });
});
