/** What windows keep makes the same windows again, where keys gave way and where the window has moved on. */
import type { LogEvent } from '@opmas/protocol';
import { expect, it } from 'vitest';
import { compileRules, Windows } from '../index.ts';

const START = Date.UTC(2026, 0, 1);

function rulesetOf(count: number, within_seconds: number) {
  const group_by = ['host'];
  const kind = 'threshold';
  const more = { name: 'W', severity: 'warning', action: 'alert', pattern: 'failed' };
  const result = compileRules([{ id: 'w', kind, count, within_seconds, group_by, ...more }]);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.ruleset;
}

type Rules = ReturnType<typeof rulesetOf>;

function started(ruleset: Rules, keys?: number): Windows {
  const windows = new Windows(keys === undefined ? {} : { room: { keys } });
  windows.adopt(ruleset);
  return windows;
}

interface Heard {
  host?: string;
  /** Also its id. */
  second: number;
  /** By the clock of whoever takes it; the same where nothing else is said. */
  arrived?: number;
}

/** @returns how many windows the event completed */
function hear(windows: Windows, ruleset: Rules, { host = 'a', second, arrived = second }: Heard) {
  const time = (seconds: number) => new Date(START + seconds * 1_000).toISOString();
  const event: LogEvent = {
    event_id: `e${second}`,
    timestamp: time(second),
    received_at: time(arrived),
    type: 't',
    host,
    message: 'failed',
  };
  const found = windows.settleMatches(ruleset.match(event), event, START + arrived * 1_000);
  return found.filter((match) => 'window' in match).length;
}

it('a key that gave way and came again between two writes does not have what it had before', () => {
  const ruleset = rulesetOf(3, 400);
  const before = started(ruleset, 1);
  for (const second of [1, 2]) hear(before, ruleset, { second });
  const kept = before.changes();
  hear(before, ruleset, { host: 'b', second: 3 });
  hear(before, ruleset, { second: 4 });
  kept.push(...before.changes());
  const after = started(ruleset, 1);
  for (const line of kept) expect(after.restore(line)).toBe(true);
  expect(after.stats.entries).toBe(before.stats.entries);
  expect(hear(before, ruleset, { second: 5 })).toBe(0);
  expect(hear(after, ruleset, { second: 5 })).toBe(0);
});

it('what had left the window before a restart does not count after it, in whatever order it came', () => {
  const ruleset = rulesetOf(3, 200);
  const before = started(ruleset);
  for (const heard of [{ second: 0 }, { second: 250 }, { second: 210, arrived: 250 }]) {
    expect(hear(before, ruleset, heard)).toBe(0);
  }
  const after = started(ruleset);
  for (const line of before.changes()) expect(after.restore(line)).toBe(true);
  expect(hear(before, ruleset, { second: 415 })).toBe(0);
  expect(hear(after, ruleset, { second: 415 })).toBe(0);
  expect(hear(after, ruleset, { second: 416 })).toBe(1);
});
