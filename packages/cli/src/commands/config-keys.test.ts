/** Keys of a configuration: set, read and taken out without touching anything else. */
import { expect, test } from 'vitest';
import { getKey, leavesOf, parseAssignment, setKey, unsetKey } from './config-keys.ts';

test('a value is JSON when it can be, and text otherwise', () => {
  expect(parseAssignment('a.b=50')).toEqual(['a.b', 50]);
  expect(parseAssignment('a=true')).toEqual(['a', true]);
  expect(parseAssignment('a=["x"]')).toEqual(['a', ['x']]);
  expect(parseAssignment('a=b=c')).toEqual(['a', 'b=c']);
  expect(parseAssignment('a=')).toEqual(['a', '']);
});

test.each(['nothing', '=1', 'a..b=1', 'a b=1', `${'a.'.repeat(9)}a=1`])('%s is refused', (text) => {
  expect(() => parseAssignment(text)).toThrow(/no assignment|no key/);
});

test('setting a key leaves its neighbours and its input as they were', () => {
  const before = { processing: { batch_size: 1, timeout: 2 } };
  expect(setKey(before, 'processing.batch_size', 9)).toEqual({
    processing: { timeout: 2, batch_size: 9 },
  });
  expect(before.processing.batch_size).toBe(1);
});

test('a level that becomes empty goes with its last key', () => {
  expect(unsetKey({ a: { b: { c: 1 } }, d: 2 }, 'a.b.c')).toEqual({ d: 2 });
  expect(unsetKey({ a: { b: 1, c: 2 } }, 'a.b')).toEqual({ a: { c: 2 } });
});

test('names of the prototype are no keys where the server takes none', () => {
  expect(getKey({}, 'constructor.name')).toBeUndefined();
  expect(setKey({}, 'constructor.name', 1)).toEqual({ constructor: { name: 1 } });
  for (const key of ['__proto__.x', 'a.__proto__', 'a.constructor.prototype.x']) {
    expect(() => setKey({}, key, true)).toThrow('is a key that no configuration may have');
    expect(() => parseAssignment(`${key}=1`)).toThrow('is a key that no configuration may have');
  }
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});

test('leaves carry their whole key', () => {
  expect(leavesOf({ a: { b: 1, c: [2] }, d: {} })).toEqual([
    ['a.b', 1],
    ['a.c', [2]],
    ['d', {}],
  ]);
});

test('a secret is one leaf, and its mask', () => {
  expect(leavesOf({ a: { b: { $secret: '********' } } })).toEqual([['a.b', '********']]);
});
