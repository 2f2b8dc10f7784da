/** What a rule is looked for by: always something it cannot match without, and if possible something rare. */
import { RegExpParser } from '@eslint-community/regexpp';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wholly } from '../slices.ts';
import { type LiteralSet, plainChoices, regexChoices } from './literals.ts';
import { Traffic, typicalTraffic } from './traffic.ts';
import { chooseWindows } from './windows.ts';

const parser = new RegExpParser({ ecmaVersion: 2025 });
const parsed = (source: string) =>
  parser.parsePattern(source, 0, source.length, { unicode: false, unicodeSets: false });
const choicesOf = (source: string, fold = false) => regexChoices(parsed(source), fold);
const shown = (choices: readonly LiteralSet[]) =>
  choices.map((set) => set.map(({ text, fold }) => (fold ? `(?i)${text}` : text)).join('|'));

describe('the literals of an expression', () => {
  it.each([
    ['Failed password for (?:invalid user )?\\S+ from', ['Failed password for ', ' from']],
    ['(?:DHCPNAK|DHCPDECLINE)\\(br-lan\\)', ['DHCPNAK|DHCPDECLINE', '(br-lan)']],
    ['link is down|carrier lost', ['link is down|carrier lost']],
    ['[Ff]ailed to [a-z]+ up', ['(?i)Failed to ', ' up']],
    ['user[.]name', ['user.name']],
    ['abc+def', ['abc', 'cdef']],
    ['abc*def', ['def']],
    ['(?:abc){2,3}', ['abc']],
    ['\\bword\\b', ['word']],
    ['(?<=before )after', ['after']],
    ['a.b.c', []],
    ['long one|x', []],
    ['grüße from', ['e from']],
    ['(?:)', []],
  ])('%s', (source, literals) => {
    expect(shown(choicesOf(source))).toEqual(literals);
  });

  it('of one that ignores case do so too', () => {
    expect(shown(choicesOf('login failed', true))).toEqual(['(?i)login failed']);
  });

  it('stand in every text that matches', () => {
    const atom = fc.constantFrom(
      'abc',
      'x',
      '[Dd]',
      'e+',
      'f*',
      '(?:gh|ij)',
      '(klm|nop)?',
      '.',
      '\\d',
      'é',
      '|',
    );
    fc.assert(
      fc.property(
        fc.array(atom, { minLength: 1, maxLength: 7 }),
        fc.string({ unit: fc.constantFrom(...Array.from('abcxDdefghijklmnop1é')), maxLength: 40 }),
        (atoms, text) => {
          const source = atoms.join('');
          if (!new RegExp(source).test(text)) return;
          for (const set of choicesOf(source)) {
            const stands = set.some(({ text: literal, fold }) =>
              fold ? text.toLowerCase().includes(literal.toLowerCase()) : text.includes(literal),
            );
            expect([source, text, stands]).toEqual([source, text, true]);
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

describe('the literals of a plain pattern', () => {
  it('are its ASCII parts', () => {
    expect(shown(plainChoices('Überlast auf Gerät wan'))).toEqual(['berlast auf Ger', 't wan']);
    expect(plainChoices('ab')).toEqual([]);
    expect(plainChoices('日本語')).toEqual([]);
  });
});

describe('traffic', () => {
  it('counts a line of a million characters as quickly as one of 512', () => {
    const traffic = new Traffic();
    traffic.observe('y'.repeat(600) + 'needle'.repeat(100_000));
    expect([...traffic.frequencies('needle')]).toEqual([0, 0, 0]);
    expect([...traffic.frequencies('YYYY')]).toEqual([509]);
  });

  it('weighs what comes now more than what came long ago', () => {
    const traffic = new Traffic();
    for (let n = 0; n < 200_000; n++) traffic.observe('old one');
    for (let n = 0; n < 200_000; n++) traffic.observe('new two');
    expect(traffic.lines).toBeLessThan(65_536);
    expect(traffic.frequencies('new two')[0]).toBeGreaterThan(0.9);
    expect(traffic.frequencies('old one')[0]).toBeLessThan(0.1);
  });

  it('knows what routers usually say', () => {
    const often = typicalTraffic().frequencies('Failed password for ')[0] ?? 0;
    expect(often).toBeGreaterThan(0);
    expect(typicalTraffic().frequencies('xq7#')[0]).toBe(0);
  });
});

describe('windows', () => {
  const chosen = (patterns: readonly string[], traffic = typicalTraffic()) =>
    wholly(chooseWindows(patterns.map(plainChoices), traffic, 10));
  const windowsOf = (patterns: readonly string[], traffic?: Traffic) =>
    chosen(patterns, traffic).needles.map(({ literal, at, length }) =>
      literal.text.slice(at, at + length),
    );

  it('hold what is rare in the traffic', () => {
    const traffic = new Traffic();
    for (let n = 0; n < 100; n++)
      traffic.observe('Failed password for root from 192.0.2.1 port 22');
    const [window] = windowsOf(['Failed password for zebra from 192.0.2.1'], traffic);
    // Six characters in a row that were never seen, not one at the end.
    expect(window).toBe('rd for zeb');
  });

  it('are shared by few literals, so that a line that repeats one costs little', () => {
    const patterns = Array.from(
      { length: 200 },
      (_, n) => `AP-STA-POSSIBLE-PSK-MISMATCH station-${n}-x`,
    );
    const shares = new Map<string, number>();
    for (const window of windowsOf(patterns)) shares.set(window, (shares.get(window) ?? 0) + 1);
    expect(Math.max(...shares.values())).toBeLessThan(30);
  });

  it('are looked for once when rules have the same literal', () => {
    const { needles, always } = chosen(['same text', 'same text', 'ab', 'other text']);
    expect(needles.map(({ rules }) => rules)).toEqual([[0, 1], [3]]);
    expect(always).toEqual([2]);
  });
});
