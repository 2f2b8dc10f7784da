/** Which agents a selector chooses, and which texts are none. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesSelector, parseSelector } from './selector.ts';

const agent = { id: 'wifi-1', name: 'Wifi', type: 'wifi', tags: ['site=berlin', 'old', 'a b'] };
const chooses = (text: string) => matchesSelector(parseSelector(text), agent);

describe('a selector', () => {
  test.each([
    ['type=wifi', true],
    ['type = dns', false],
    ['id=wifi-1', true],
    ['name=Wifi', true],
    ['name=wifi', false],
    ['tag=old', true],
    ['tag!=old', false],
    ['tag!=new', true],
    ['site=berlin', true],
    ['site!=berlin', false],
    ['site!=paris', true],
    ['site in (paris, berlin)', true],
    ['site in (paris)', false],
    ['type=wifi, site=berlin', true],
    ['type=wifi,site=paris', false],
    ['tag="a b"', true],
    ['tag = "a \\"b"', false],
    ['in=in', false],
    ['constructor=x', false],
  ])('%s: %s', (text, expected) => {
    expect(chooses(text)).toBe(expected);
  });

  test.each([
    '',
    ' ',
    'type',
    'type=',
    '=wifi',
    'type=wifi site=berlin',
    'type=wifi,',
    'type in wifi',
    'type in ()',
    'type in (a',
    'type in (a b)',
    'type=="x"',
    'tag="open',
    'a!b',
    `name in (${Array.from({ length: 65 }, (_, n) => `v${n}`).join(',')})`,
    Array.from({ length: 17 }, (_, n) => `k${n}=v`).join(','),
    'x'.repeat(1_025),
  ])('%j is refused with its place', (text) => {
    expect(() => parseSelector(text)).toThrow(/The selector .* at character \d+/s);
  });

  test('says what it was written as, whatever the values hold', () => {
    const value = fc.string({ minLength: 1, maxLength: 20 });
    const quote = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, value, fc.boolean()), { minLength: 1, maxLength: 5 }),
        (terms) => {
          const text = terms
            .map(([key, one, negated]) => `${quote(key)} ${negated ? '!=' : '='} ${quote(one)}`)
            .join(', ');
          expect(parseSelector(text)).toEqual(
            terms.map(([key, one, negated]) => ({ key, values: [one], negated })),
          );
        },
      ),
    );
  });
});
