/** No event that matches is skipped, and some that do not are read all the same. */
import type { LogEvent } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules, PayloadScreen, type Ruleset } from './index.ts';

function compile(...patterns: string[]): Ruleset {
  const result = compileRules(
    patterns.map((pattern, n) => ({
      id: `r${n}`,
      name: 'n',
      kind: pattern.startsWith('~') ? 'regex' : 'substring',
      pattern: pattern.replace('~', ''),
      severity: 'info',
      action: 'alert',
    })),
  );
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

const event = (message: string): LogEvent => ({
  event_id: 'e',
  timestamp: '2025-05-27T12:00:00.000Z',
  type: 'auth',
  message,
});
const bytes = (lines: readonly string[]) => Buffer.from(lines.join('\n'));
const never = new PayloadScreen({ validateOneIn: 1_000_000 });

describe('PayloadScreen', () => {
  it('reads every event that matches, however it is written', () => {
    const ruleset = compile(
      'needle',
      'a"b\\c',
      'übel',
      'tab\there',
      '~na+dle\\d',
      '~(?i)KNOT|loop',
    );
    const words = [
      'needle',
      'need',
      'le',
      'a"b\\c',
      'übel',
      'tab\there',
      'naadle7',
      'kNOt',
      'x',
      '\n',
      '😀',
      'Loop',
    ];
    const message = fc
      .array(fc.constantFrom(...words), { maxLength: 5 })
      .map((all) => all.join(' '));
    const written = fc.tuple(message, fc.boolean()).map(([text, ascii]) => {
      const json = JSON.stringify(event(text));
      if (!ascii) return json;
      return json.replaceAll(
        /[^ -~]|[nk]/g,
        (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    });
    fc.assert(
      fc.property(fc.array(written, { minLength: 1, maxLength: 30 }), (lines) => {
        // Escapes of keys' letters would make other keys of them, were they not JSON's own.
        const screened = never.screen(ruleset, bytes(lines));
        if (screened === undefined) throw new Error('nothing was screened');
        const read = new Set(screened.read.map(({ line }) => line));
        expect(read.size + screened.skipped).toBe(lines.length);
        for (const [index, line] of lines.entries()) {
          const matches = ruleset.match(JSON.parse(line)).length > 0;
          if (matches) expect(read).toContain(index);
        }
        for (const { line, begin, end } of screened.read) {
          expect(bytes(lines).toString('utf8', begin, end)).toBe(lines[line]);
        }
      }),
    );
  });

  it('skips what cannot match', () => {
    const lines = ['one', 'two needle', 'three'].map((text) => JSON.stringify(event(text)));
    expect(never.screen(compile('needle'), bytes(lines))).toMatchObject({
      read: [{ line: 1 }],
      skipped: 2,
    });
  });

  it('reads one of so many others that are not proven', () => {
    const screen = new PayloadScreen({ validateOneIn: 10 });
    const foreign = (n: number) => JSON.stringify({ ...event(`nothing ${n}`), of_mine: 1 });
    const lines = Array.from({ length: 190 }, (_, n) =>
      n % 2 === 0 ? JSON.stringify(event(`nothing ${n}`)) : foreign(n),
    );
    const read = [1, 2].map(() => screen.screen(compile('needle'), bytes(lines))?.read.length);
    expect(read).toEqual([9, 10]);
  });

  it('reads each that is not proven where it is told to', () => {
    const screen = new PayloadScreen({ validateOneIn: 1 });
    const { type: _type, ...untyped } = event('nothing');
    const lines = [event('one'), untyped, event('two'), { ...event('three'), host: 7 }];
    const text = bytes(lines.map((line) => JSON.stringify(line)));
    expect(screen.screen(compile('needle'), text)).toMatchObject({
      read: [{ line: 1 }, { line: 3 }],
      skipped: 2,
    });
  });

  it('reads the last in any case where it is told to, whatever blank lines follow', () => {
    const lines = ['one', 'two', 'three'].map((text) => JSON.stringify(event(text)));
    for (const blank of [[], [''], [' ', '\t', '']]) {
      const text = bytes([...lines, ...blank]);
      expect(never.screen(compile('needle'), text, { last: true })).toMatchObject({
        read: [{ line: 2, part: 2 }],
        skipped: 2,
      });
    }
  });

  it('counts a line of what is no white space to JSON', () => {
    const line = JSON.stringify(event('one'));
    for (const odd of ['\0', '\u00a0', '\u2028', ' \v']) {
      const screened = never.screen(compile('needle'), bytes([line, odd, line]));
      expect(screened).toMatchObject({ read: [{ line: 1, part: 1 }], skipped: 2 });
    }
  });

  it('has everything read when it cannot tell', () => {
    const line = JSON.stringify(event('needle'));
    expect(never.screen(compile('ab'), bytes([line]))).toBeUndefined();
    expect(never.screen(compile('needle'), bytes([`[${line}]`]))).toBeUndefined();
    expect(never.screen(compile('needle'), Buffer.alloc(300_000, '{'))).toBeUndefined();
    expect(never.screen(compile('needle'), Buffer.alloc(0))).toBeUndefined();
  });

  it('refuses a share that is none', () => {
    for (const validateOneIn of [0, 1.5, -1, Number.NaN]) {
      expect(() => new PayloadScreen({ validateOneIn })).toThrow('1 to 1,000,000');
    }
  });
});
