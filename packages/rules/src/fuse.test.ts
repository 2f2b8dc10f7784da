/** A rule over its time budget goes out of service alone, and no batch keeps the event loop. */
import type { LogEvent, Rule } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchPlace, compileRules, type Ruleset, Windows } from './index.ts';
import { limits } from './limits.ts';

/** Longer than what the backtracking matcher gets. */
const LONG = 'x'.repeat(limits.backtrackingChars);

const event = (id: number, message: string): LogEvent => ({
  event_id: `e${id}`,
  timestamp: '2025-05-27T12:00:00.000Z',
  type: 'auth',
  message,
});

const rule = (id: string, pattern: string, over: Partial<Rule> = {}): Rule => ({
  id,
  name: id,
  kind: 'regex',
  pattern,
  severity: 'info',
  action: 'alert',
  ...over,
});

/** A processor clock by which each look of the linear matcher takes `costMs`. */
function processor(costMs: () => number) {
  let [now, calls] = [0, 0];
  return () => {
    calls += 1;
    if (calls % 2 === 0) now += costMs();
    return now;
  };
}

function compile(rules: readonly Rule[], costMs: () => number, budgetMs = 10): Ruleset {
  const result = compileRules(rules, { budgetMs, cpu: processor(costMs), now: () => 0 });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

const found = (ruleset: Ruleset, message: string) =>
  ruleset.match(event(0, message)).map(({ rule: { id } }) => id);

describe('the fuse', () => {
  it('takes a rule out that is over its budget again and again, and leaves the others in', () => {
    const slow = `slow 17 ${LONG}`;
    const ruleset = compile(
      [rule('slow', 'slow \\d+'), rule('plain', '17', { kind: 'substring' })],
      () => 11,
    );
    for (let look = 1; look < limits.fuseStrikes; look++) {
      expect(found(ruleset, slow)).toEqual(['slow', 'plain']);
    }
    expect(ruleset.disabled).toEqual([]);
    found(ruleset, slow);
    expect(ruleset.disabled).toEqual([
      { rule_id: 'slow', reason: expect.stringContaining('more than 10 ms') as string },
    ]);
    expect(found(ruleset, slow)).toEqual(['plain']);
    expect(found(ruleset, 'slow 1')).toEqual([]);
  });

  it('counts looks over the budget alone, and forgets them after a thousand looks', () => {
    let look = 0;
    const often = limits.fuseLooks / (limits.fuseStrikes - 1);
    const ruleset = compile([rule('r', 'slow \\d+')], () =>
      look++ % Math.ceil(often) === 0 ? 30 : 10,
    );
    for (let n = 0; n < 3 * limits.fuseLooks; n++) found(ruleset, `slow 1 ${LONG}`);
    expect(ruleset.disabled).toEqual([]);
  });

  it('does not count what the backtracking matcher takes, and is not there without a budget', () => {
    const short = compile([rule('r', 'slow \\d+')], () => 1_000);
    for (let n = 0; n < 100; n++) expect(found(short, 'slow 1')).toEqual(['r']);
    const unbound = compile([rule('r', 'slow \\d+')], () => 1_000, Number.POSITIVE_INFINITY);
    for (let n = 0; n < 100; n++) expect(found(unbound, `slow 1 ${LONG}`)).toEqual(['r']);
  });

  it('belongs to a rule with all its steps: an absence is not told because nobody looks any more', () => {
    const waits = rule('waits', 'asked (?<who>\\w+)', {
      kind: 'absence',
      pattern_kind: 'regex',
      followed_by: { pattern: 'answered (?<who>\\w+)', pattern_kind: 'regex' },
      group_by: ['who'],
      within_seconds: 30,
    });
    const ruleset = compile([waits], () => 11);
    for (let n = 0; n < limits.fuseStrikes; n++) found(ruleset, `answered bob ${LONG}`);
    expect(ruleset.disabled).toMatchObject([{ rule_id: 'waits' }]);
    expect(found(ruleset, 'asked bob')).toEqual([]);
  });

  it('a rule that is taken out in the middle of a batch tells nothing of what it only counted', () => {
    const counts = rule('counts', 'slow \\d+', {
      kind: 'threshold',
      pattern_kind: 'regex',
      count: 2,
      within_seconds: 60,
    });
    const ruleset = compile([counts, rule('plain', 'slow', { kind: 'substring' })], () => 11);
    const events = Array.from({ length: limits.fuseStrikes + 5 }, (_, n) =>
      event(n, `slow 1 ${LONG}`),
    );
    const told = ruleset.matchBatch(events).flatMap(({ matches }) => matches.map((m) => m.rule.id));
    expect(told).toEqual(events.map(() => 'plain'));
  });

  it('is blown by hand too: what was out stays out in a set made anew', () => {
    const ruleset = compile([rule('a', 'one', { kind: 'substring' }), rule('b', 'one')], () => 0);
    ruleset.disable('a', 'was slow');
    ruleset.disable('nobody', 'is not there');
    expect(ruleset.disabled).toEqual([{ rule_id: 'a', reason: 'was slow' }]);
    expect(found(ruleset, 'one')).toEqual(['b']);
    expect(ruleset.matchLines(Buffer.from('one\n'))).toMatchObject([
      { index: 0, matches: [{ rule: { id: 'b' } }] },
    ]);
  });
});

describe('slices', () => {
  /** The batch in slices, and the longest time one of them took. */
  function inSlices(sets: readonly Ruleset[], events: readonly LogEvent[], now: () => number) {
    const told: string[] = [];
    let [longest, slices] = [0, 0];
    for (let place: BatchPlace | undefined = { index: 0 }; place !== undefined; slices++) {
      const begun: number = now();
      const ruleset: Ruleset | undefined = sets[Math.min(slices, sets.length - 1)];
      if (ruleset === undefined) throw new Error('no rule set');
      const { matched, next }: ReturnType<Ruleset['matchSlice']> = ruleset.matchSlice(
        events,
        place,
      );
      for (const { index, matches } of matched) {
        told.push(...matches.map((match) => `${index} ${match.rule.id}`));
      }
      place = next;
      longest = Math.max(longest, now() - begun);
    }
    return { told, longest, slices };
  }

  const whole = (ruleset: Ruleset, events: readonly LogEvent[]) =>
    ruleset
      .matchBatch(events)
      .flatMap(({ index, matches }) => matches.map((match) => `${index} ${match.rule.id}`));

  it('find what the whole batch finds, whatever each look takes', () => {
    const word = fc.constantFrom('aaa', 'bbb', 'ccc', 'ddd');
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 6 }),
        fc.array(fc.array(word, { maxLength: 4 }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 20 }),
        (patterns, lines, costs) => {
          let look = 0;
          const cost = () => costs[look++ % costs.length] ?? 0;
          const rules = patterns.map((pattern, n) => rule(`r${n}`, `${pattern}.?`));
          const events = lines.map((words, n) => event(n, `${words.join(' ')}${LONG}`));
          let now = 0;
          const timed = compile(
            rules,
            () => {
              const ms = cost();
              now += ms;
              return ms;
            },
            Number.POSITIVE_INFINITY,
          );
          const { told, longest } = inSlices([timed], events, () => now);
          expect(told).toEqual(
            whole(
              compile(rules, () => 0),
              events,
            ),
          );
          expect(longest).toBeLessThanOrEqual(limits.sliceMs + 30);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('never keep the event loop for 50 ms, whatever rules and lines are made for it', () => {
    // As slow as admission lets any expression be.
    const worst = 30;
    let now = 0;
    const hostile = Array.from({ length: 20 }, (_, n) => rule(`r${n}`, `(a+)+${n}$`));
    const ruleset = compile(hostile, () => (now += worst) && worst);
    const line = `${'a'.repeat(8_000)} ${hostile.map((_, n) => n).join(' ')}`;
    const { longest, slices } = inSlices(
      [ruleset],
      Array.from({ length: 30 }, (_, n) => event(n, line)),
      () => now,
    );
    expect(longest).toBeLessThanOrEqual(50);
    expect(slices).toBeGreaterThan(20);
    // Each of them was let in for so many looks, and for no more.
    expect(ruleset.disabled).toHaveLength(hostile.length);
  });

  it('begin an event anew when the rules were replaced in its middle', () => {
    const events = Array.from({ length: 6 }, (_, n) => event(n, `abc ${LONG}`));
    const rules = [rule('one', 'a.c'), rule('two', 'ab.'), rule('three', '.bc ')];
    const sets = [compile(rules, () => 9), compile(rules, () => 9)];
    const { told, slices } = inSlices(sets, events, () => 0);
    expect(told).toEqual(
      whole(
        compile(rules, () => 0),
        events,
      ),
    );
    expect(slices).toBeGreaterThan(3);
  });
});

it('a rule that went out of force has nothing counted when it comes back after a restart', () => {
  const counts: Rule = {
    ...rule('counts', 'hit', { kind: 'threshold', count: 2, within_seconds: 60 }),
  };
  const ruleset = compile([counts], () => 0);
  const before = new Windows();
  before.adopt(ruleset);
  const at = Date.parse('2025-05-27T12:00:00.000Z');
  for (const match of ruleset.match(event(1, 'hit'))) before.apply(match, event(1, 'hit'), at);
  const lines = before.changes();
  before.adopt({ windows: [] });
  lines.push(...before.changes());

  const after = new Windows();
  after.adopt(ruleset);
  for (const line of lines) expect(after.restore(line)).toBe(true);
  expect(after.stats.keys).toBe(0);
  const second = ruleset.match(event(2, 'hit'))[0];
  if (second === undefined) throw new Error('not matched');
  expect(after.apply(second, event(2, 'hit'), at)).toBeUndefined();
  const third = ruleset.match(event(3, 'hit'))[0];
  if (third === undefined) throw new Error('not matched');
  expect(after.apply(third, event(3, 'hit'), at)).toMatchObject({ window: { count: 2 } });
});
