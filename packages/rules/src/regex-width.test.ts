/** How wide an expression is is found out in a bounded number of steps, whatever it is. */
import { RegExpParser } from '@eslint-community/regexpp';
import { expect, it } from 'vitest';
import { widthOf } from './regex-width.ts';

const parser = new RegExpParser({ ecmaVersion: 2025 });

function widthOfSource(source: string) {
  return widthOf(parser.parsePattern(source, 0, source.length), '');
}

const code = (n: number) => String.fromCharCode(0x100 + 3 * n);
const unlike = (count: number) => Array.from({ length: count }, (_, n) => code(n)).join('');

/** Those that cost most while each pair of places was gone through to the end. */
const HOSTILE = [
  `${'a'.repeat(1_000)}z`,
  `${'[^ab]{0,14}'.repeat(90)}z`,
  `${'.{0,14}a*'.repeat(100)}z`,
  `${Array.from({ length: 200 }, (_, n) => `[^${code(n)}]`).join('')}z`,
  `${Array.from({ length: 64 }, (_, n) => `[^${code(n)}]{0,14}`).join('')}z`,
  `(?:${Array.from({ length: 30 }, (_, n) => `[^${code(n)}]`).join('|')})+${unlike(800)}`,
  `.{600}${unlike(400)}z`,
  `${'(?:'.repeat(150)}${Array.from({ length: 60 }, (_, n) => code(n)).join('|')}${')*'.repeat(150)}z`,
  'ab(?:xy){0,500}z',
  '(?:(?:a|b){1,30}c){1,16}z',
  `${'(?:aab|aba)'.repeat(90)}z`,
];

it.each(HOSTILE.map((source) => [source.slice(0, 40), source]))(
  'at most 400,000 steps for %s…',
  (_, source) => {
    expect(widthOfSource(source).steps).toBeLessThan(400_000);
  },
);

it.each<[string, string, boolean]>([
  ['all different', unlike(1_000), false],
  ['one class', `[^${unlike(1_000)}]`, false],
  ['63 that are optional and one more', `${'a?'.repeat(63)}z`, false],
  ['64 that are optional and one more', `${'a?'.repeat(64)}z`, true],
  ['63 of one kind', 'a'.repeat(63), false],
  ['90 of one kind', 'a'.repeat(90), true],
  [
    'many of which few are alive together',
    Array.from({ length: 250 }, (_, n) => `a${code(n)}`).join(''),
    false,
  ],
])('%s', (_, source, tooWide) => {
  expect(widthOfSource(source).tooWide).toBe(tooWide);
});
