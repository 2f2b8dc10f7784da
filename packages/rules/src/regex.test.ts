/** Which expressions are admitted, and that a match takes bounded time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRegex } from './regex.ts';

const admit = (pattern: string, now = () => 0) => {
  const result = compileRegex(pattern, now);
  if (!result.ok) throw new Error(result.message);
  return result.regex;
};

const refusal = (pattern: string) => {
  const result = compileRegex(pattern, () => 0);
  return result.ok ? 'admitted' : result.message;
};

/** A row of the two without any order, the same each time. */
function randomOf(one: string, other: string, count: number): string {
  let seed = 12_345;
  const next = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (seed >> 16) & 1;
  };
  return Array.from({ length: count }, () => (next() === 1 ? one : other)).join('');
}

describe('admission', () => {
  it.each([
    ['(a+)+\\1', 'back reference'],
    ['(?<q>a)\\k<q>', 'back reference'],
    ['foo(?=bar)', 'look-ahead'],
    ['foo(?!bar)', 'look-ahead'],
    ['a(?i:b)', 'in front'],
    ['(x{1,1000}){1,1000}', 'linear'],
    ['(?:(?:a{1,50}){1,50}){1,50}', 'linear'],
    ['(', 'no regular expression'],
    ['[z-a]', 'no regular expression'],
    ['a{2,1}', 'no regular expression'],
    ['(?x)a', 'flags are i, m and s'],
    ['(?ii)a', 'flags are i, m and s'],
    ['(?i)', 'no expression'],
    [`(?i)${'[à-ÿ]'.repeat(9)}`, 'beyond ASCII'],
    ['.{0,15}'.repeat(140) + 'x', 'at once'],
    [`${'a*'.repeat(500)}b`, 'at once'],
    [`${'a?'.repeat(300)}b`, 'at once'],
    [`(?:${Array.from({ length: 120 }, (_, n) => `q${n}x`).join('|')})`, 'at once'],
    [`${'.{0,14}'.repeat(8)}x`, 'at once'],
    // Alive together in a text of one letter, though not two of them begin alike.
    [`(?i)${randomOf('a', 'A', 900)}[z]`, 'at once'],
    [`${randomOf('[Ā-Ă]', '[^ĀĂ]', 150)}z`, 'at once'],
    ['a*', 'empty text'],
    ['x'.repeat(1_025), 'at most 1024'],
  ])('refuses %s', (pattern, why) => {
    expect(refusal(pattern)).toContain(why);
  });

  it.each([
    '(a+)+$',
    '(a|aa)+$',
    '^(\\w+\\s?)*!$',
    '\\bfoo\\b',
    'a+?b',
    '(?<=x)a',
    '(?<n>\\d{1,3})\\.',
    'é+',
    `(?:${Array.from({ length: 50 }, (_, n) => `${String.fromCharCode(97 + (n % 26))}${n} user`).join('|')})`,
    '[0-9a-f]{2}(?::[0-9a-f]{2}){5}',
    'Failed password for (?:invalid user )?(?<user>\\S+) from (?<ip>\\d{1,3}(?:\\.\\d{1,3}){3}) port \\d+',
    'what is plain text may be long, as a message of a kernel that has run out of memory is, or so. '.repeat(
      4,
    ),
  ])('admits %s', (pattern) => {
    expect(refusal(pattern)).toBe('admitted');
  });
});

describe('time', () => {
  // Backtracking alone needs from seconds to years for these on 8,192 characters.
  it.each(['(a+)+$', '(a|aa)+$', '(a*)*b', '(?:a|a|a)+b', '(.*)(.*)(.*)(.*)(.*)x', '.*.*.*=.*.*'])(
    '%s ends on a hostile line of any length',
    (pattern) => {
      const regex = admit(pattern);
      for (const length of [30, 256, 512, 8_191]) {
        expect(regex.exec(`${'a'.repeat(length)}!`)).toBeNull();
      }
    },
  );

  it('gives a rule that is slow again and again to the linear matcher, with the same answers', () => {
    let clock = 0;
    const regex = admit('x(?<n>\\d+)', () => {
      clock += 2;
      return clock;
    });
    for (let i = 0; i < 3; i++) {
      expect(regex.slow()).toBe(false);
      expect(regex.exec('ax42')?.groups).toEqual({ n: '42' });
    }
    expect(regex.slow()).toBe(true);
    const before = clock;
    expect(regex.exec('ax42')?.groups).toEqual({ n: '42' });
    expect(clock).toBe(before);
  });

  it('forgives a rare slow call', () => {
    let clock = 0;
    let call = 0;
    const regex = admit('x', () => {
      clock += call % 900 === 0 ? 2 : 0;
      return clock;
    });
    for (call = 1; call < 9_000; call++) regex.exec('x');
    expect(regex.slow()).toBe(false);
  });
});

describe('both matchers', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '(a)',
    '(b|ab)',
    '(?<g>a|b)?',
    'a*',
    'a+?',
    '(?:ab){0,2}',
    '(a*)',
    '(?:a|b)*?',
    '\\b',
    '\\w',
    '$',
    '|',
  );
  it('agree on text and groups', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(atom, { minLength: 1, maxLength: 8 }),
        fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 40 }),
        (atoms, text) => {
          const result = compileRegex(atoms.join(''), () => 0);
          if (!result.ok) return;
          let clock = 0;
          const slow = admit(atoms.join(''), () => (clock += 2));
          for (let i = 0; i < 3; i++) slow.exec('a');
          expect(slow.slow()).toBe(true);
          const plain = result.regex.exec(text);
          expect(slow.exec(text)).toEqual(plain);
          expect(plain).toEqual(new RegExp(atoms.join('')).exec(text));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('(?i)', () => {
  const char = fc.constantFrom(
    'a',
    'Z',
    'k',
    's',
    '1',
    '-',
    '_',
    '@',
    '[',
    '\u017f',
    '\u212a',
    'é',
    'É',
    'ß',
    'σ',
    'ς',
    'Σ',
    'ǅ',
    'µ',
    'μ',
  );
  const text = fc.string({ unit: char, minLength: 1, maxLength: 12 });
  const escaped = (value: string) => value.replace(/[[\]\\^-]/g, '\\$&');

  it('matches what the i flag of JavaScript matches, characters and classes', () => {
    const piece = fc.oneof(
      char.map(escaped),
      text.map((chars) => `[${escaped(chars)}]`),
      text.map((chars) => `[^${escaped(chars)}]`),
      fc.constantFrom(
        '[a-z]',
        '[A-_]',
        '[^k-t]',
        '[à-ÿ]',
        '[^\\u0100-\\u0200]',
        '[\\w-]',
        '\\W',
        '\\x41',
        '\\u0073',
        '[\\S]',
        '\\cj',
        '[Z-a]',
      ),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 4 }),
        fc.array(text),
        (pieces, texts) => {
          const source = pieces.join('');
          const expected = new RegExp(source, 'i');
          const regex = admit(`(?i)${source}`);
          for (const one of texts) expect(regex.exec(one)?.index).toBe(expected.exec(one)?.index);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
