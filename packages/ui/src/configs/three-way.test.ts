// Nobody's change is lost without a word when two people edit at once.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSame, mergeChanges } from './three-way.ts';

const base = { a: 1, b: { c: 1, d: 2 }, list: [1], key: { $secret: '********' } };

test('changes of different keys come together', () => {
  const mine = { ...base, b: { c: 9, d: 2 } };
  const theirs = { ...base, b: { c: 1, d: 7 }, e: true };
  expect(mergeChanges(base, mine, theirs)).toEqual({
    document: { ...base, b: { c: 9, d: 7 }, e: true },
    conflicts: [],
  });
});

test('what both changed to something else is named, and mine stands', () => {
  const merged = mergeChanges(base, { ...base, a: 2, list: [2] }, { ...base, a: 3, list: [1, 2] });
  expect(merged.conflicts.toSorted()).toEqual(['a', 'list']);
  expect(merged.document).toMatchObject({ a: 2, list: [2] });
  // The same change twice is none.
  expect(mergeChanges(base, { ...base, a: 2 }, { ...base, a: 2 }).conflicts).toEqual([]);
});

test('what one took away stays away, unless the other changed it', () => {
  const { a: _a, ...without } = base;
  expect(mergeChanges(base, without, base).document).toEqual(without);
  expect(mergeChanges(base, base, without).document).toEqual(without);
  expect(mergeChanges(base, without, { ...base, a: 5 })).toEqual({
    document: without,
    conflicts: ['a'],
  });
});

test('a secret is one value', () => {
  const fresh = { ...base, key: { $secret: 'new' } };
  expect(mergeChanges(base, fresh, base)).toEqual({ document: fresh, conflicts: [] });
});

test('whoever changed nothing gets what the other has', () => {
  const document = fc.dictionary(
    fc.constantFrom('a', 'b', '__proto__', 'constructor'),
    fc.oneof(fc.integer(), fc.dictionary(fc.constantFrom('x', 'y'), fc.integer())),
  );
  fc.assert(
    fc.property(document, document, (from, to) => {
      expect(isSame(mergeChanges(from, from, to).document, to)).toBe(true);
      expect(isSame(mergeChanges(from, to, from).document, to)).toBe(true);
      expect(mergeChanges(from, to, from).conflicts).toEqual([]);
    }),
  );
});
