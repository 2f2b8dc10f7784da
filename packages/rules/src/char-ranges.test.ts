/** The ranges of an element are the characters that JavaScript takes for it. */
import { type AST, RegExpParser } from '@eslint-community/regexpp';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { haveCommon, rangesOf } from './char-ranges.ts';

const parser = new RegExpParser({ ecmaVersion: 2025 });

function elementOf(source: string): AST.Element {
  const { alternatives } = parser.parsePattern(source, 0, source.length);
  const [element] = alternatives[0]?.elements ?? [];
  if (element === undefined) throw new Error(`no element in ${source}`);
  return element;
}

const members = fc.constantFrom(
  'a',
  'A-Z',
  '\\w',
  '\\W',
  '\\s',
  '\\S',
  '\\d',
  '\\D',
  'é',
  'à-ÿ',
  '\\u2028',
  '\\x00-\\x20',
  '\\uffff',
  '\\n',
);
const classes = fc
  .tuple(fc.boolean(), fc.array(members, { maxLength: 4 }))
  .map(([negate, inside]) => `[${negate ? '^' : ''}${inside.join('')}]`);
const elements = fc.oneof(classes, fc.constantFrom('.', '\\w', '\\W', '\\s', '\\S', '\\D', 'x'));

function taken(source: string, dotAll: boolean): Set<number> {
  const test = new RegExp(`^(?:${source})$`, dotAll ? 's' : '');
  const codes = Array.from({ length: 0x10000 }, (_, code) => code);
  return new Set(codes.filter((code) => test.test(String.fromCharCode(code))));
}

it('are those that the expression itself takes', () => {
  fc.assert(
    fc.property(elements, fc.boolean(), (source, dotAll) => {
      const ranges = rangesOf(elementOf(source), dotAll);
      const codes = new Set<number>();
      for (let i = 0; i < ranges.length; i += 2) {
        for (let code = ranges[i] ?? 0; code <= (ranges[i + 1] ?? -1); code++) codes.add(code);
      }
      expect(codes).toEqual(taken(source, dotAll));
      for (const [i, code] of ranges.slice(1).entries()) {
        expect(code).toBeGreaterThanOrEqual((ranges[i] ?? 0) + (i % 2));
      }
    }),
    { numRuns: 60 },
  );
});

it('have a character in common when both expressions take it', () => {
  fc.assert(
    fc.property(elements, elements, (one, other) => {
      const others = taken(other, false);
      const common = [...taken(one, false)].some((code) => others.has(code));
      const rangesOfBoth = [one, other].map((source) => rangesOf(elementOf(source), false));
      expect(haveCommon(rangesOfBoth[0] ?? [], rangesOfBoth[1] ?? [])).toBe(common);
    }),
    { numRuns: 60 },
  );
});
