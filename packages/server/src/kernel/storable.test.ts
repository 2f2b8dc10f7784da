import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDeep, parseStorable } from './storable.ts';

test('whatever JSON says, the value holds no NUL and no half character', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const text = JSON.stringify(parseStorable(JSON.stringify(value)));
      expect(/(?<!\\)(\\\\)*\\u(0000|d[89a-f])/i.test(text)).toBe(false);
    }),
  );
  expect(parseStorable('{"a\\u0000":"b\\ud800c","d":["\\\\u0000"]}')).toEqual({
    'a\ufffd': 'b\ufffdc',
    d: ['\\u0000'],
  });
});

test('what needs no repair is as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(parseStorable(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('depth counts brackets outside of text', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null
      ? 1 + Math.max(0, ...Object.values(value).map(depthOf))
      : 0;
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(6), (value, levels) => {
      expect(isDeep(JSON.stringify(value), levels)).toBe(depthOf(value) > levels);
    }),
  );
  expect(isDeep('['.repeat(1_000_000), 64)).toBe(true);
  expect(isDeep(`"${'['.repeat(1_000)}"`, 64)).toBe(false);
});
