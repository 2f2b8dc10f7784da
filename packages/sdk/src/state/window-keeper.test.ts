/** The end of an agent that has something to tell nobody takes. */
import type { LogEvent } from '@opmas/protocol';
import { compileRules, type Firing } from '@opmas/rules';
import { waitFor } from '@opmas/testkit';
import { expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { fakeClock, MemoryWindowLog } from '../testing/index.ts';
import { WindowKeeper } from './window-keeper.ts';

const START = Date.UTC(2026, 0, 1);

const SILENCE = {
  id: 'silent',
  name: 'Silent',
  kind: 'absence',
  pattern: '',
  within_seconds: 10,
  group_by: ['host'],
  severity: 'warning',
  action: 'alert',
};

function keeperOf(log: MemoryWindowLog, missed: (firing: Firing) => Promise<void>) {
  const compiled = compileRules([SILENCE]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
  const { ruleset } = compiled;
  const clock = fakeClock(START);
  const keeper = new WindowKeeper({
    clock,
    log,
    ruleset: () => ruleset,
    missed,
    giveUp: async () => {},
    countedUpTo: async () => clock.now(),
    waiting: () => {},
    trouble: () => {},
    stats: () => {},
  });
  const hear = (host: string) => {
    const at = new Date(START).toISOString();
    const event: LogEvent = {
      event_id: host,
      timestamp: at,
      received_at: at,
      type: 't',
      message: 'x',
      host,
    };
    keeper.settle(ruleset.match(event), event);
  };
  return { keeper, clock, hear };
}

test('what is absent and cannot be told does not keep an agent from ending, and is told by the next', async () => {
  const log = new MemoryWindowLog();
  const asked: string[] = [];
  const never = new Promise<void>(() => {});
  const before = keeperOf(log, (firing) => {
    asked.push(firing.event_id);
    return never;
  });
  await before.keeper.ready();
  for (const host of ['a', 'b', 'c']) before.hear(host);
  await before.keeper.stored();
  await before.clock.tick(13_000);
  await waitFor(() => asked.length > 0);
  const ended = before.keeper.close();
  await before.clock.tick(0);
  await before.clock.tick(limits.lastTellMs);
  await ended;
  expect(asked).toEqual(['a']);
  expect(log.taken).toBe(false);

  const told: string[] = [];
  const after = keeperOf(log, async (firing) => {
    told.push(firing.event_id);
  });
  await after.keeper.ready();
  await after.clock.tick(2_000);
  await waitFor(() => told.length === 3);
  expect(told).toEqual(['a', 'b', 'c']);
  await after.keeper.close();
});
