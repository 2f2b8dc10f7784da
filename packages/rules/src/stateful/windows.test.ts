/** The windows against a plain model: any order, repetitions, restarts at every point, evictions. */
import type { LogEvent, Rule } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules, type Firing, type Ruleset, Windows, type WindowsOptions } from '../index.ts';
import { arrivalOf, eventTime } from './event-time.ts';
import { Model, type ModelEvent, type ModelRule, type Told } from './model.ts';

const START = Date.UTC(2026, 0, 1);

const BASE = { id: 'w', name: 'W', severity: 'warning', action: 'alert' } as const;
const GROUPED: Pick<Rule, 'pattern' | 'pattern_kind' | 'group_by'> = {
  pattern: 'first k=(?<key>\\w+) v=(?<value>\\w+)',
  pattern_kind: 'regex',
  group_by: ['key'],
};
const THEN: NonNullable<Rule['followed_by']> = {
  pattern: 'second.* k=(?<key>\\w+)',
  pattern_kind: 'regex',
};

interface Case {
  rule: Rule;
  model: ModelRule;
}

const times = { withinMs: 10_000, lateMs: 2_500 };
const cases: Case[] = [0, 4].flatMap((suppress): Case[] => {
  const common = { ...times, suppressMs: suppress * 1_000 };
  const more = { ...BASE, ...GROUPED, within_seconds: 10, suppress_seconds: suppress };
  const of = (kind: ModelRule['kind'], count: number, rule: Rule): Case => ({
    rule,
    model: { kind, count, ...common },
  });
  return [
    of('threshold', 1, { ...more, kind: 'threshold', count: 1 }),
    of('threshold', 3, { ...more, kind: 'threshold', count: 3 }),
    of('distinct', 3, { ...more, kind: 'distinct', count: 3, distinct_by: 'value' }),
    of('sequence', 1, { ...more, kind: 'sequence', followed_by: THEN }),
    of('sequence', 2, { ...more, kind: 'sequence', count: 2, followed_by: THEN }),
    of('absence', 1, { ...more, kind: 'absence', followed_by: THEN }),
    of('silence', 1, { ...more, kind: 'absence' }),
  ];
});

function rulesetOf(rule: Rule): Ruleset {
  const result = compileRules([rule]);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

/** An event of a stream: when it arrives, how far its clock is off, what it says; or one that comes again. */
interface Draft {
  wait: number;
  skew: number;
  key: string;
  value: string;
  says: 'first' | 'second' | 'both';
  again: number | undefined;
  restart: boolean;
}

const drafts = fc.array(
  fc.record({
    wait: fc.integer({ min: 0, max: 4_000 }),
    skew: fc.integer({ min: -4_000, max: 4_000 }),
    key: fc.constantFrom('a', 'b', 'c'),
    value: fc.constantFrom('x', 'y', 'z', 'u'),
    says: fc.constantFrom<Draft['says']>('first', 'first', 'second', 'both'),
    again: fc.option(fc.nat({ max: 60 }), { nil: undefined, freq: 4 }),
    restart: fc.boolean(),
  }),
  { maxLength: 60 },
);

function messageOf({ says, key, value }: Pick<Draft, 'says' | 'key' | 'value'>): string {
  const first = `first k=${key} v=${value}`;
  return says === 'first' ? first : `${says === 'both' ? first : ''} second k=${key}`;
}

/** The drafts as events in the order they come in; skews of whole seconds make times equal now and then. */
function streamOf(list: readonly Draft[]): { event: LogEvent; now: number }[] {
  const stream: { event: LogEvent; now: number }[] = [];
  let now = START;
  for (const [n, draft] of list.entries()) {
    now += draft.wait;
    const before =
      draft.again === undefined ? undefined : stream[draft.again % (stream.length || 1)];
    if (before !== undefined) {
      stream.push({ event: before.event, now });
      continue;
    }
    const own = Math.round((now + draft.skew) / 1_000) * 1_000;
    const event: LogEvent = {
      event_id: `e${n}`,
      timestamp: new Date(own).toISOString(),
      received_at: new Date(now).toISOString(),
      type: 'test',
      message: messageOf(draft),
    };
    stream.push({ event, now });
  }
  return stream;
}

function modelEvent(event: LogEvent, now: number, withinMs: number): ModelEvent {
  const arrived = arrivalOf(event, now);
  return {
    id: event.event_id,
    key: / k=(\w+)/.exec(event.message)?.[1] ?? '',
    at: eventTime(event, arrived, withinMs / 4),
    arrived,
    value: / v=(\w+)/.exec(event.message)?.[1] ?? '',
    first: event.message.includes('first'),
    second: event.message.includes('second'),
  };
}

function toldOf(firings: readonly Firing[]): Told[] {
  return firings.map(({ window, event_id }) => ({
    key: window.key,
    id: event_id,
    count: window.count,
  }));
}

const byKey = (a: Told, b: Told) => a.key.localeCompare(b.key);

/** Ends it and makes it anew from what it left, in order. */
function restarted(windows: Windows, kept: string[], ruleset: Ruleset, keys?: number): Windows {
  kept.push(...windows.changes());
  const next = new Windows(keys === undefined ? {} : { room: { keys } });
  next.adopt(ruleset);
  for (const line of kept) expect(next.restore(line)).toBe(true);
  return next;
}

describe.each(cases)('$rule.kind of $model.count, $model.suppressMs ms suppressed', (given) => {
  const ruleset = rulesetOf(given.rule);
  const run = (list: readonly Draft[], options: { restarts: boolean; keys?: number }) => {
    const { keys } = options;
    let windows = new Windows(keys === undefined ? {} : { room: { keys } });
    windows.adopt(ruleset);
    const model = new Model(given.model, keys);
    const kept: string[] = [];
    for (const [n, { event, now }] of streamOf(list).entries()) {
      const due = windows.due(now);
      expect(toldOf(due).toSorted(byKey)).toEqual(model.passed(now).toSorted(byKey));
      const fired = windows
        .settleMatches(ruleset.match(event), event, now)
        .filter((match) => 'window' in match);
      const seen = given.model.kind === 'sequence' || given.model.kind === 'absence';
      const heard = modelEvent(event, now, given.model.withinMs);
      const expected = model.event(seen ? heard : { ...heard, second: false });
      expect(toldOf(fired)).toEqual(expected);
      for (const firing of [...due, ...fired]) windows.settle(firing);
      if (options.restarts && list[n]?.restart === true) {
        windows = restarted(windows, kept, ruleset, keys);
      }
    }
    const end = START + 1_000_000;
    expect(toldOf(windows.due(end)).toSorted(byKey)).toEqual(model.passed(end).toSorted(byKey));
    return { windows, model };
  };

  it('tells what the model tells, in any order and with repetitions', () => {
    fc.assert(
      fc.property(drafts, (list) => {
        run(list, { restarts: false });
      }),
      { numRuns: 300 },
    );
  });

  it('and when it is ended and made anew at any point', () => {
    fc.assert(
      fc.property(drafts, (list) => {
        run(list, { restarts: true });
      }),
      { numRuns: 200 },
    );
  });

  it('and when keys give way, which are counted', () => {
    fc.assert(
      fc.property(drafts, (list) => {
        const { windows, model } = run(list, { restarts: false, keys: 2 });
        expect(windows.stats.evicted).toBe(model.evicted);
      }),
      { numRuns: 200 },
    );
  });
});

/** One rule at work; events are told by their second. */
function windowsOf(rule: Partial<Rule>, options: WindowsOptions = {}) {
  const windows = new Windows(options);
  const adopt = (other: Partial<Rule>) => {
    const ruleset = rulesetOf({ ...BASE, pattern: 'failed', ...other });
    windows.adopt(ruleset);
    return ruleset;
  };
  let ruleset = adopt(rule);
  const hear = (id: string, second: number, more: Partial<LogEvent> = {}) => {
    const at = new Date(START + second * 1_000).toISOString();
    const event = { event_id: id, timestamp: at, received_at: at, type: 't', ...more };
    const whole: LogEvent = { message: 'failed', ...event };
    return windows
      .settleMatches(ruleset.match(whole), whole, START)
      .filter((match) => 'window' in match);
  };
  return {
    windows,
    hear,
    adopt: (other: Partial<Rule>) => {
      ruleset = adopt(other);
    },
  };
}

const TWICE: Partial<Rule> = { kind: 'threshold', count: 2, within_seconds: 10 };

describe('a firing', () => {
  it('tells the window: count, key, first and last event', () => {
    const { hear } = windowsOf({ ...TWICE, group_by: ['host', 'program'] });
    const from = { host: 'ap-1', program: 'dropbear' };
    hear('a', 0, from);
    expect(hear('b', 5, from)).toEqual([
      expect.objectContaining({
        event_id: 'b',
        matched_pattern: 'failed',
        window: {
          kind: 'threshold',
          key: '["ap-1","dropbear"]',
          group: { host: 'ap-1', program: 'dropbear' },
          count: 2,
          first_event_id: 'a',
          first_at: '2026-01-01T00:00:00.000Z',
          last_event_id: 'b',
          last_at: '2026-01-01T00:00:05.000Z',
        },
      }),
    ]);
  });

  it('names the different values', () => {
    const { hear } = windowsOf({ ...TWICE, kind: 'distinct', distinct_by: 'fields.port' });
    hear('a', 0, { fields: { port: 22 } });
    expect(hear('b', 1, { fields: { port: 22 } })).toEqual([]);
    const [firing] = hear('c', 2, { fields: { port: 80 } });
    expect(firing?.window).toMatchObject({ count: 2, values: ['22', '80'] });
  });

  it('tells a plain rule once per suppression and key', () => {
    const { hear } = windowsOf({ suppress_seconds: 30, group_by: ['host'] });
    const fired = [0, 10, 20, 31, 40].map((second) => hear(`e${second}`, second, { host: 'a' }));
    expect(fired.map((list) => list.length)).toEqual([1, 0, 0, 1, 0]);
    expect(hear('other', 41, { host: 'b' })).toHaveLength(1);
  });

  it('does not count an event without the field it counts by', () => {
    const { hear, windows } = windowsOf({ ...TWICE, group_by: ['host'] });
    hear('a', 0);
    expect(hear('b', 1)).toEqual([]);
    expect(windows.stats).toMatchObject({ keyless: 2, keys: 0 });
  });

  it('is told again when its event comes again, until it is settled', () => {
    const { hear, windows } = windowsOf(TWICE);
    hear('a', 0);
    const [first] = hear('b', 1);
    expect(hear('a', 0)).toEqual([]);
    expect(hear('b', 1)).toEqual([first]);
    if (first !== undefined) windows.settle(first);
    expect(hear('b', 1)).toEqual([]);
    expect(windows.stats.fired).toBe(1);
  });

  it('is told again after a restart that came before it was settled', () => {
    const before = windowsOf(TWICE);
    before.hear('a', 0);
    const [first] = before.hear('b', 1);
    const lines = before.windows.changes();
    const after = windowsOf(TWICE);
    for (const line of lines) expect(after.windows.restore(line)).toBe(true);
    expect(after.hear('a', 0)).toEqual([]);
    expect(after.hear('b', 1)).toEqual([first]);
    if (first !== undefined) after.windows.settle(first);
    const last = windowsOf(TWICE);
    for (const line of [...lines, ...after.windows.changes()]) last.windows.restore(line);
    expect(last.hear('b', 1)).toEqual([]);
  });

  it('of an absence is told by `due` until it is settled, also after a restart', () => {
    const rule: Partial<Rule> = {
      kind: 'absence',
      within_seconds: 10,
      followed_by: { pattern: 'back' },
    };
    const before = windowsOf(rule);
    before.hear('a', 0);
    expect(before.windows.nextDue).toBe(START + 12_500);
    expect(before.windows.due(START + 12_499)).toEqual([]);
    const [firing] = before.windows.due(START + 12_500);
    expect(firing).toMatchObject({ event_id: 'a', timed: true, window: { kind: 'absence' } });
    expect(before.windows.due(START + 20_000)).toEqual([]);
    if (firing !== undefined) before.windows.release(firing);
    expect(before.windows.due(START + 20_000)).toEqual([firing]);
    const after = windowsOf(rule);
    for (const line of before.windows.changes()) after.windows.restore(line);
    expect(after.windows.nextDue).toBe(0);
    expect(after.windows.due(START)).toEqual([firing]);
    if (firing !== undefined) after.windows.settle(firing);
    expect(after.windows.due(START + 1_000_000)).toEqual([]);
  });

  it('in a trial is told once, and nothing is kept', () => {
    const { hear, windows } = windowsOf(TWICE, { kept: false });
    hear('a', 0);
    expect(hear('b', 1)).toHaveLength(1);
    expect(hear('b', 1)).toEqual([]);
    expect(windows.changes()).toEqual([]);
  });
});

describe('a change of rules', () => {
  it('keeps what was counted when only the telling changes', () => {
    const { hear, adopt } = windowsOf(TWICE);
    hear('a', 0);
    adopt({ ...TWICE, name: 'Other', severity: 'error', suppress_seconds: 5 });
    expect(hear('b', 1)[0]?.rule.name).toBe('Other');
  });

  it('begins anew when the window changes, and forgets a rule that is gone', () => {
    const { hear, adopt, windows } = windowsOf(TWICE);
    hear('a', 0);
    adopt({ ...TWICE, within_seconds: 20 });
    expect(hear('b', 1)).toEqual([]);
    adopt({});
    expect(windows.any).toBe(false);
    expect(windows.stats.keys).toBe(0);
  });
});

describe('bounds', () => {
  it('no clock blinds a rule for what others send', () => {
    const { hear } = windowsOf({ ...TWICE, count: 3, within_seconds: 60 });
    const clock = (second: number, timestamp: string) => ({
      timestamp,
      received_at: new Date(START + second * 1_000).toISOString(),
    });
    hear('ahead', 0, clock(0, '2099-01-01T00:00:00.000Z'));
    hear('behind', 1, clock(1, '1970-01-01T00:00:00.000Z'));
    expect(hear('right', 2, clock(2, '2026-01-01T00:00:02.000Z'))).toHaveLength(1);
  });

  it('keys that are sprayed push out the longest unused, not the one in use', () => {
    const { hear, windows } = windowsOf(
      { ...TWICE, count: 5, group_by: ['host'] },
      { room: { keys: 10 } },
    );
    for (let n = 0; n < 4; n += 1) {
      hear(`used${n}`, n, { host: 'used' });
      for (let spray = 0; spray < 9; spray += 1)
        hear(`s${n}.${spray}`, n, { host: `s${n}.${spray}` });
    }
    expect(hear('used4', 4, { host: 'used' })).toHaveLength(1);
    expect(windows.stats).toMatchObject({ keys: 10, evicted: 27 });
    expect(windows.evictions()).toEqual([{ rule_id: 'w', keys: 27 }]);
  });

  it('remembered events are bounded too', () => {
    const { hear, windows } = windowsOf(
      { ...TWICE, count: 10, group_by: ['host'] },
      { room: { entries: 20 } },
    );
    for (let n = 0; n < 90; n += 1) hear(`e${n}`, 0, { host: `h${n % 10}` });
    expect(windows.stats.entries).toBeLessThanOrEqual(20);
    expect(windows.stats.evicted).toBeGreaterThan(0);
  });

  it('what is long over goes by itself, and is no eviction', () => {
    const { hear, windows } = windowsOf({ ...TWICE, group_by: ['host'] }, { room: { keys: 10 } });
    const hearAt = (n: number, second: number) => {
      const at = new Date(START + second * 1_000).toISOString();
      return hear(`e${n}`, second, { host: `h${n}`, received_at: at });
    };
    for (let n = 0; n < 8; n += 1) hearAt(n, 0);
    expect(windows.stats.keys).toBe(8);
    // The clock of the caller is what counts for forgetting: see `settleMatches`.
    const late = new Date(START + 2_000_000).toISOString();
    const event: LogEvent = {
      event_id: 'late',
      timestamp: late,
      received_at: late,
      type: 't',
      message: 'failed',
      host: 'new',
    };
    const ruleset = rulesetOf({ ...BASE, pattern: 'failed', ...TWICE, group_by: ['host'] });
    windows.adopt(ruleset);
    windows.settleMatches(ruleset.match(event), event, START + 2_000_000);
    expect(windows.stats).toMatchObject({ keys: 1, evicted: 0 });
  });

  it('a long key or value is kept short, and stays different from others', () => {
    const { hear, windows } = windowsOf({ ...TWICE, group_by: ['host'] });
    const long = 'x'.repeat(10_000);
    hear('a', 0, { host: `${long}1` });
    expect(hear('b', 0, { host: `${long}2` })).toEqual([]);
    const [firing] = hear('c', 1, { host: `${long}2` });
    expect(firing?.window.key.length).toBeLessThanOrEqual(256);
    expect(windows.stats.keys).toBe(2);
  });

  it('a line that is no record is refused', () => {
    const { windows } = windowsOf(TWICE);
    for (const line of ['', '{', '{}', '{"rule":"w","key":"","state":{}}', 'null']) {
      expect(windows.restore(line)).toBe(false);
    }
    expect(windows.restore('{"rule":"gone@1","key":"","gone":true}')).toBe(true);
  });
});
