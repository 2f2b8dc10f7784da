/** The quick check of times accepts nothing that the general one refuses, and the other way round. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isDateTime } from './date-time.ts';
import { IsDateTime } from './typebox.ts';

it('agrees with the general check on times of every year', () => {
  const time = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true });
  fc.assert(
    fc.property(time, (date) => {
      expect(isDateTime(date.toISOString())).toBe(true);
    }),
  );
});

it('agrees with the general check on times with one character wrong', () => {
  const time = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true });
  const wrong = fc.tuple(time, fc.nat(23), fc.constantFrom(...'0123456789-:.TZtz +ab'.split('')));
  fc.assert(
    fc.property(wrong, ([date, at, character]) => {
      const text = date.toISOString();
      const changed = text.slice(0, at) + character + text.slice(at + 1);
      expect(isDateTime(changed)).toBe(IsDateTime(changed));
    }),
    { numRuns: 2_000 },
  );
});

it.each([
  ['2024-02-29T00:00:00.000Z', true],
  ['2026-02-29T00:00:00.000Z', false],
  ['2026-04-31T00:00:00.000Z', false],
  ['2026-13-01T00:00:00.000Z', false],
  ['2026-01-01T24:00:00.000Z', false],
  ['2026-01-01T00:00:00+02:00', true],
  ['2026-01-01T00:00:00', false],
  ['', false],
])('%s: %s', (text, accepted) => {
  expect(isDateTime(text)).toBe(accepted);
});
