/** Secrets in documents: taken out on the way in, masked on the way out, kept where a mask came back. */
import type { ConfigLayer } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeDocuments } from './documents.ts';
import {
  acceptSecrets,
  MASK,
  maskSecrets,
  maskStored,
  revealStored,
  revealWritten,
  storedSecrets,
} from './secret-values.ts';

let next = 0;
const newId = () => `id-${(next += 1)}`;
const secret = (text: string) => ({ $secret: text });
const mask = secret(MASK);
const accept = (document: ConfigLayer, current: ConfigLayer = {}) => {
  const result = acceptSecrets(document, current, newId);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result;
};
const faults = (document: ConfigLayer, current: ConfigLayer = {}) => {
  const result = acceptSecrets(document, current, newId);
  return result.ok ? [] : result.errors;
};

/** A document with secrets anywhere below an own key. */
const tree = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.jsonValue({ maxDepth: 1 }).filter((value) => !JSON.stringify(value).includes('$secret')),
    fc
      .string({ minLength: 1 })
      .filter((text) => text !== MASK)
      .map(secret),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(
      fc.string().filter((key) => key !== '$secret'),
      tie('node'),
      { maxKeys: 4 },
    ),
  ),
})).node;
const document = fc.record({ own: tree, 'other/~key': tree }) as fc.Arbitrary<ConfigLayer>;

function plainOf(value: unknown): unknown {
  return revealWritten(value as ConfigLayer).plain;
}

describe('secrets of a document', () => {
  test('come back in plain text for the agent, and masked for everybody else', () => {
    fc.assert(
      fc.property(document, (given) => {
        const { stored, fresh } = accept(given);
        const { plain, secrets } = revealStored(
          stored,
          new Map(fresh.map(({ id, text }) => [id, text])),
        );
        expect(plain).toEqual(plainOf(given));
        expect(secrets).toHaveLength(fresh.length);
        const masked = maskStored(stored);
        expect(maskSecrets(plain, secrets)).toEqual(masked);
        expect(storedSecrets(stored).map(({ id, path }) => `${id} ${path}`)).toEqual(
          fresh.map(({ id, path }) => `${id} ${path}`),
        );
        for (const { text } of fresh.filter((one) => one.text.length > 12)) {
          expect(JSON.stringify(stored)).not.toContain(JSON.stringify(text));
        }
      }),
    );
  });

  test('sent back masked they are what they were', () => {
    fc.assert(
      fc.property(document, (given) => {
        const { stored } = accept(given);
        const again = accept(maskStored(stored), stored);
        expect(again.stored).toEqual(stored);
        expect(again.fresh).toEqual([]);
      }),
    );
  });

  test('a secret that was kept has nothing beside it, also where another layer has keys', () => {
    const { stored } = accept({ own: { a: secret('x') } });
    const merged = mergeDocuments({ own: { a: { b: 1 } } }, stored);
    expect(accept({ own: { a: mask } }, merged).stored).toEqual(stored);
  });

  test('a mask stands for nothing where no secret was', () => {
    const { stored } = accept({ own: { a: secret('x'), b: 1 } });
    for (const bad of [
      { own: { b: mask } },
      { own: mask },
      { own: { a: { c: mask } } },
      { new: mask },
    ]) {
      expect(faults(bad, stored)).toMatchObject([
        { message: expect.stringContaining('no secret is kept here') },
      ]);
    }
  });

  test('no secret slips to another item of a list', () => {
    const { stored } = accept({
      own: [
        { host: 'a', password: secret('for a') },
        { host: 'b', password: secret('for b') },
      ],
    });
    const moved = { own: [{ host: 'b', password: mask }] };
    expect(faults(moved, stored)).toMatchObject([{ path: 'own.0.password' }]);
    expect(faults({ own: [{ host: 'evil', password: mask }] }, stored)).toHaveLength(1);
    const added = [
      ...(maskStored(stored)['own'] as unknown[]),
      { host: 'c', password: secret('for c') },
    ];
    expect(accept({ own: added }, stored).fresh.map(({ text }) => text)).toEqual(['for c']);
  });

  test.each([
    ['a number', { own: { $secret: 1 } }],
    ['an empty text', { own: { $secret: '' } }],
    ['an id, as it is stored', { own: { $secret: { id: 'id-1' } } }],
    ['company', { own: { $secret: 'x', other: 1 } }],
    ['a text that is too long', { own: secret('x'.repeat(65_537)) }],
    ['the whole document', secret('x')],
    ['a rule', { rules: [{ id: 'r', pattern: secret('x') }] }],
    ['a topic', { subscribed_topics: [secret('logs.x')] }],
    ['an interval', { monitoring: { heartbeat_interval: secret('30') } }],
    ['the address of the broker', { nats: { url: secret('nats://x') } }],
    ['too many', { own: Array.from({ length: 1_001 }, () => secret('x')) }],
  ])('refused: %s', (_, given) => {
    const found = faults(given as ConfigLayer);
    expect(found.length).toBeGreaterThan(0);
    expect(JSON.stringify(found)).not.toContain('xxxx');
  });

  test('in files they are the text itself, and masked only where they won', () => {
    const { plain, secrets } = revealWritten({ own: { a: secret('x'), b: secret('y') } });
    expect(plain).toEqual({ own: { a: 'x', b: 'y' } });
    expect(maskSecrets({ own: { a: 'x', b: 'open' } }, secrets)).toEqual({
      own: { a: mask, b: 'open' },
    });
  });
});
