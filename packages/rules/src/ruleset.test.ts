/** What a rule set matches. */
import type { LogEvent, Rule } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules, type Ruleset } from './index.ts';

const event = (message: string, over: Partial<LogEvent> = {}): LogEvent => ({
  event_id: 'e1',
  timestamp: '2025-05-27T12:00:00.000Z',
  type: 'auth',
  message,
  ...over,
});

function compile(...rules: (Partial<Rule> & { pattern: string })[]): Ruleset {
  const result = compileRules(
    rules.map((rule, i) => ({
      id: `r${i}`,
      name: `rule ${i}`,
      severity: 'warning',
      action: 'alert',
      ...rule,
    })),
  );
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

const ids = (ruleset: Ruleset, of: LogEvent) => ruleset.match(of).map(({ rule }) => rule.id);

describe('substring rules', () => {
  it('match as the loop of the specification does, for any rules and lines', () => {
    const alphabet = fc.constantFrom(
      'a',
      'b',
      'A',
      ' ',
      '.',
      '\\',
      '|',
      '(',
      'é',
      '\u{1f600}',
      '\n',
    );
    const text = (max: number) => fc.string({ unit: alphabet, minLength: 1, maxLength: max });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(text(3), text(70)), { minLength: 1, maxLength: 150 }),
        fc.array(fc.oneof(text(20), text(300)), { minLength: 1, maxLength: 10 }),
        (patterns, lines) => {
          const ruleset = compile(...patterns.map((pattern) => ({ pattern })));
          const events = lines.map((line) =>
            event(line + (patterns[line.length % patterns.length] ?? '')),
          );
          const naive = events.map(({ message }) =>
            patterns.flatMap((pattern, i) => (message.includes(pattern) ? [`r${i}`] : [])),
          );
          expect(events.map((one) => ids(ruleset, one))).toEqual(naive);
          const batch = naive.map((): string[] => []);
          for (const { index, matches } of ruleset.matchBatch(events)) {
            batch[index] = matches.map(({ rule }) => rule.id);
          }
          expect(batch).toEqual(naive);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('find a pattern at every position of a line', () => {
    const ruleset = compile({ pattern: 'needle' }, { pattern: 'nothing' });
    for (let length = 6; length < 80; length++) {
      for (let at = 0; at + 6 <= length; at++) {
        const line = `${'x'.repeat(at)}needle`.padEnd(length, 'y');
        expect(ids(ruleset, event(line))).toEqual(['r0']);
      }
    }
  });

  it('are all tried, however many there are', () => {
    const ruleset = compile(...Array.from({ length: 300 }, (_, i) => ({ pattern: `<${i}>` })));
    for (let i = 0; i < 300; i++) expect(ids(ruleset, event(`a <${i}> b`))).toEqual([`r${i}`]);
  });

  it('say which rule and pattern matched', () => {
    const ruleset = compile({ pattern: 'Bad password' });
    expect(ruleset.match(event("Bad password attempt for 'root'"))).toEqual([
      { rule: ruleset.rules[0], matched_pattern: 'Bad password' },
    ]);
  });

  it('look at the first 8,192 characters', () => {
    const ruleset = compile({ pattern: 'needle' });
    expect(ids(ruleset, event(`${'x'.repeat(8_186)}needle`))).toEqual(['r0']);
    expect(ids(ruleset, event(`${'x'.repeat(8_187)}needle`))).toEqual([]);
  });
});

describe('regex rules', () => {
  it('give the text and the named groups', () => {
    const ruleset = compile({
      kind: 'regex',
      pattern: "for '(?<user>[^']*)'(?<never>zz)? from (?<ip>\\S+)",
    });
    expect(ruleset.match(event("Bad password attempt for 'root' from 203.0.113.9"))).toMatchObject([
      { text: "for 'root' from 203.0.113.9", groups: { user: 'root', ip: '203.0.113.9' } },
    ]);
  });

  it('know the flags in front', () => {
    const ruleset = compile(
      { kind: 'regex', pattern: '(?i)FAILED password' },
      { kind: 'regex', pattern: '(?m)^second' },
      { kind: 'regex', pattern: '(?s)first.second' },
      { kind: 'regex', pattern: '(?ms)T.SEC' },
    );
    expect(ids(ruleset, event('first\nsecond: Failed Password'))).toEqual(['r0', 'r1', 'r2']);
  });

  it('match what JavaScript matches, prefilter or not, in groups of rules or alone', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      'C',
      '.',
      '[ab]',
      '[^a]',
      '\\w',
      '\\d',
      '(?:abc)',
      '(abc|Cab)',
      'abcab',
      'a*',
      'b+',
      '(?:ab){1,2}',
      '(?:abc)?',
      '(?:bCab)*',
      'a?',
      '\\b',
      '^',
      '$',
    );
    const pattern = fc
      .tuple(
        fc.constantFrom('', '(?i)'),
        fc.array(atom, { minLength: 1, maxLength: 6 }),
        fc.array(atom, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
      )
      .map(([flags, left, right, both]) => ({
        flags,
        source: left.join('') + (both ? `|${right.join('')}` : ''),
      }));
    const line = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'C', '1', ' '), maxLength: 300 });
    fc.assert(
      fc.property(
        fc.array(pattern, { minLength: 1, maxLength: 80 }),
        fc.array(line, { maxLength: 8 }),
        (patterns, lines) => {
          const usable = patterns.filter(({ source }) => !new RegExp(source).test(''));
          const ruleset = compile(
            ...usable.map(({ flags, source }) => ({
              kind: 'regex' as const,
              pattern: flags + source,
            })),
          );
          for (const message of lines) {
            const naive = usable.flatMap(({ flags, source }, i) => {
              const found = new RegExp(source, flags === '' ? '' : 'i').exec(message);
              return found === null ? [] : [[`r${i}`, found[0]]];
            });
            const got = ruleset.match(event(message)).map(({ rule, text }) => [rule.id, text]);
            expect(got).toEqual(naive);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('where', () => {
  const of = (where: Record<string, unknown>, over: Partial<LogEvent>) =>
    ids(compile({ pattern: 'link', where }), event('link is down', over)).length === 1;

  it('compares a field with a value, a list or a prefix', () => {
    expect(of({ program: 'kernel' }, { program: 'kernel' })).toBe(true);
    expect(of({ program: 'kernel' }, { program: 'netifd' })).toBe(false);
    expect(of({ program: ['kernel', 'netifd'] }, { program: 'netifd' })).toBe(true);
    expect(of({ program: ['kernel', 'netifd'] }, { program: 'odhcpd' })).toBe(false);
    expect(of({ host: { prefix: 'ap-' } }, { host: 'ap-7' })).toBe(true);
    expect(of({ host: { prefix: 'ap-' } }, { host: 'gw-ap-7' })).toBe(false);
  });

  it('does not match an event without the field', () => {
    expect(of({ program: 'kernel' }, {})).toBe(false);
    expect(of({ 'fields.port': 22 }, { fields: {} })).toBe(false);
    expect(of({ 'fields.constructor.name': 'Object' }, { fields: {} })).toBe(false);
  });

  it('compares without case where it is asked to', () => {
    const prefix = { host: { prefix: 'AP-', ignore_case: true } };
    expect(of(prefix, { host: 'ap-1' })).toBe(true);
    expect(of(prefix, { host: 'sw-1' })).toBe(false);
    const value = { program: { value: ['SSHD', 'Dropbear'], ignore_case: true } };
    expect(of(value, { program: 'dropbear' })).toBe(true);
    expect(of({ program: { value: 'SSHD' } }, { program: 'sshd' })).toBe(false);
    expect(of(value, {})).toBe(false);
  });

  it('asks all conditions', () => {
    const where = { program: 'kernel', severity: 'err' };
    expect(of(where, { program: 'kernel', severity: 'err' })).toBe(true);
    expect(of(where, { program: 'kernel', severity: 'info' })).toBe(false);
  });

  it('reaches into fields, numbers and dotted names too', () => {
    expect(of({ 'fields.port': 22 }, { fields: { port: '22' } })).toBe(true);
    expect(of({ 'fields.a.b': 'x' }, { fields: { a: { b: 'x' } } })).toBe(true);
    expect(of({ 'fields.a.b': 'x' }, { fields: { 'a.b': 'x' } })).toBe(true);
    expect(of({ 'fields.up': true }, { fields: { up: false } })).toBe(false);
  });
});
