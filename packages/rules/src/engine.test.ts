/** Both scans, all doors: the same matches as the plain loop, for any rules and lines. */
import { type LogEvent, type Rule, limits as wire } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules, type EventMatches, type Ruleset, type ScanKind } from './index.ts';
import { limits } from './limits.ts';

const event = (message: string): LogEvent => ({
  event_id: 'e',
  timestamp: '2025-05-27T12:00:00.000Z',
  type: 'auth',
  message,
});

type Sketch = Pick<Rule, 'pattern'> & Partial<Rule>;

function compile(rules: readonly Sketch[], scan: ScanKind = 'auto'): Ruleset {
  const result = compileRules(
    rules.map((rule, n) => ({
      id: `r${n}`,
      name: 'n',
      severity: 'info',
      action: 'alert',
      ...rule,
    })),
    { scan },
  );
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

const idsOf = (found: readonly EventMatches[]) =>
  found.map(({ index, matches }) => `${index}: ${matches.map(({ rule }) => rule.id).join(' ')}`);

/** What the plain loop says, in the same form. */
function plainLoop(rules: readonly Sketch[], messages: readonly string[]): string[] {
  return messages.flatMap((message, index) => {
    const ids = rules.flatMap(({ kind, pattern }, n) => {
      const text = message.slice(0, wire.matchedChars);
      const matches = kind === 'regex' ? new RegExp(pattern).test(text) : text.includes(pattern);
      return matches ? [`r${n}`] : [];
    });
    return ids.length === 0 ? [] : [`${index}: ${ids.join(' ')}`];
  });
}

const SCANS: ScanKind[] = ['webassembly', 'typescript'];

describe('random rules and lines', () => {
  const unit = fc.constantFrom('a', 'b', 'A', ' ', ':', 'é', '\u0141', '\u{1f600}');
  const pattern = fc.oneof(
    fc.string({ unit, minLength: 1, maxLength: 12 }),
    fc.string({ unit: fc.constantFrom('a', 'b', ' '), minLength: 3, maxLength: 20 }),
  );
  const substring = pattern.map((text): Sketch => ({ kind: 'substring', pattern: text }));
  const regex = fc
    .tuple(
      fc.string({ unit: fc.constantFrom('a', 'b', 'A'), minLength: 3, maxLength: 6 }),
      fc.constantFrom('\\w', '[ab]+', '(?:abb|baa)', '.', 'b?', '[Aa]b', '\\d*', '$'),
      fc.string({ unit: fc.constantFrom('a', 'b', ':'), minLength: 1, maxLength: 4 }),
    )
    .map(([left, middle, right]): Sketch => ({ kind: 'regex', pattern: left + middle + right }));
  const rules = fc.array(fc.oneof(substring, regex), { minLength: 1, maxLength: 60 });
  const line = fc.string({ unit, maxLength: 200 });

  it('match alike through every door, in batches of any size', () => {
    fc.assert(
      fc.property(rules, fc.array(line, { minLength: 1, maxLength: 60 }), (sketches, some) => {
        const usable = sketches.filter(
          ({ kind, pattern: source }) => kind !== 'regex' || !new RegExp(source).test(''),
        );
        // Lines that hold the patterns themselves, so that there is something to find.
        const lines = some.map(
          (text, n) => text + (usable[n % Math.max(1, usable.length)]?.pattern ?? ''),
        );
        const expected = plainLoop(usable, lines);
        for (const scan of SCANS) {
          const ruleset = compile(usable, scan);
          expect(ruleset.stats.scan).toBe(scan);
          expect(idsOf(ruleset.matchBatch(lines.map(event)))).toEqual(expected);
          expect(idsOf(ruleset.matchLines(Buffer.from(lines.join('\n'))))).toEqual(expected);
          expect(idsOf(ruleset.matchLines(Buffer.from(`${lines.join('\n')}\n`)))).toEqual(expected);
          const alone = lines.map((text, index) => ({
            index,
            matches: ruleset.match(event(text)),
          }));
          expect(idsOf(alone.filter(({ matches }) => matches.length > 0))).toEqual(expected);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe.each(SCANS)('%s', (scan) => {
  it('does not find across the border of two messages', () => {
    const ruleset = compile([{ pattern: 'needle' }, { pattern: 'x\ny' }], scan);
    const messages = ['nee', 'dle', 'needl', 'e needle', '', 'n', 'e', 'x', 'y', 'x\ny'];
    expect(idsOf(ruleset.matchBatch(messages.map(event)))).toEqual(['3: r0', '9: r1']);
    expect(idsOf(ruleset.matchLines(Buffer.from('nee\ndle\nx\ny\nneedle')))).toEqual(['4: r0']);
  });

  it('takes batches and texts larger than its room', () => {
    const rules = [{ pattern: 'needle' }, { pattern: 'end of line' }];
    const lines = Array.from({ length: 1_000 }, (_, n) => {
      const text = 'x'.repeat((n * 37) % 700);
      return n % 10 === 0 ? `${text}needle${text}` : `${text}y end of lin`;
    });
    const ruleset = compile(rules, scan);
    const expected = plainLoop(rules, lines);
    expect(expected).toHaveLength(100);
    expect(idsOf(ruleset.matchBatch(lines.map(event)))).toEqual(expected);
    expect(idsOf(ruleset.matchLines(Buffer.from(lines.join('\n'))))).toEqual(expected);
  });

  it('looks at the first 8,192 characters of a line of any length', () => {
    const ruleset = compile([{ pattern: 'needle' }], scan);
    const long = [
      `${'x'.repeat(8_186)}needle${'z'.repeat(400_000)}`,
      `${'x'.repeat(8_187)}needle`,
      `${'é'.repeat(8_186)}needle`,
      `${'é'.repeat(8_187)}needle`,
      `${'\u{1f600}'.repeat(4_093)}needle${'\u{1f600}'.repeat(200_000)}`,
      'needle',
    ];
    const expected = ['0: r0', '2: r0', '4: r0', '5: r0'];
    expect(idsOf(ruleset.matchLines(Buffer.from(long.join('\n'))))).toEqual(expected);
    expect(idsOf(ruleset.matchBatch(long.map(event)))).toEqual(expected);
  });

  it('reads bytes that are no UTF-8', () => {
    const ruleset = compile([{ pattern: 'needle' }, { pattern: 'né' }], scan);
    const broken = Buffer.from([
      0xff,
      0xc3,
      ...Buffer.from('needle'),
      10,
      0x6e,
      0xe9,
      10,
      0x6e,
      0xc3,
      0xa9,
    ]);
    expect(idsOf(ruleset.matchLines(broken))).toEqual(['0: r0', '2: r1']);
  });

  it('matches hostile lines made of whole literals as any other', () => {
    const rules = Array.from({ length: 500 }, (_, n) => ({
      pattern: `login rejected for svc-${n}`,
    }));
    const lines = Array.from({ length: 200 }, (_, n) =>
      Array.from({ length: 40 }, (__, i) => rules[(n * 7 + i * 13) % 500]?.pattern).join(''),
    );
    const ruleset = compile(rules, scan);
    const expected = plainLoop(rules, lines);
    expect(idsOf(ruleset.matchBatch(lines.map(event)))).toEqual(expected);
    expect(idsOf(ruleset.matchLines(Buffer.from(lines.join('\n'))))).toEqual(expected);
  });

  it('takes a line that repeats what thousands of rules look for', () => {
    const rules = Array.from({ length: 3_000 }, (_, n) => ({
      pattern: 'aaa',
      where: { host: `h${n % 10}` },
    }));
    const ruleset = compile(rules, scan);
    const found = ruleset.match({ ...event('a'.repeat(8_192)), host: 'h3' });
    expect(found).toHaveLength(300);
    const many = Array.from({ length: 30 }, () => ({ ...event('a'.repeat(8_192)), host: 'h3' }));
    expect(ruleset.matchBatch(many).map(({ matches }) => matches.length)).toEqual(
      many.map(() => 300),
    );
  });
});

describe('lines without an event', () => {
  it('match no rule with conditions', () => {
    const rules = [
      { pattern: 'needle', where: { host: 'a' } },
      { pattern: 'needle' },
      { pattern: 'ne' },
    ];
    expect(idsOf(compile(rules.slice(0, 2)).matchLines(Buffer.from('a needle')))).toEqual([
      '0: r1',
    ]);
    expect(idsOf(compile(rules).matchLines(Buffer.from('a needle')))).toEqual(['0: r1 r2']);
  });
});

describe('tuning to the traffic', () => {
  const rules = Array.from({ length: 40 }, (_, n) => ({
    pattern: `very common words of this traffic and number ${n} of them`,
  }));
  const quiet = 'very common words of this traffic and nothing else';
  const events = Array.from({ length: 1_000 }, () => event(quiet));

  it('chooses what is rare in it, with the same answers, and not too often', async () => {
    const ruleset = compile(rules);
    expect(await ruleset.retune()).toBe(false);
    expect(ruleset.wantsTuning).toBe(false);
    for (let n = 0; n < limits.retuneEvents / events.length + 1; n++) ruleset.matchBatch(events);
    expect(ruleset.wantsTuning).toBe(true);
    const texts = [quiet, `${rules[7]?.pattern} x`, rules[39]?.pattern ?? ''];
    const before = idsOf(ruleset.matchBatch(texts.map(event)));
    expect(before).toEqual(plainLoop(rules, texts));
    const [first, second] = [ruleset.retune(), ruleset.retune()];
    expect(idsOf(ruleset.matchBatch(texts.map(event)))).toEqual(before);
    expect([await first, await second]).toEqual([true, true]);
    expect(ruleset.stats.retuned).toBe(1);
    expect(idsOf(ruleset.matchBatch(texts.map(event)))).toEqual(before);
    const compared = ruleset.stats.compared;
    ruleset.matchBatch(events);
    expect(ruleset.stats.compared).toBe(compared);
    expect(ruleset.wantsTuning).toBe(false);
  });
});
