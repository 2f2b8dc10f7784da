/** What is absent is told only of what the agent has read up to. */
import type { Left } from '@opmas/bus';
import type { LogEvent } from '@opmas/protocol';
import { compileRules } from '@opmas/rules';
import { expect, test } from 'vitest';
import { fakeClock } from '../testing/fake-clock.ts';
import { Counted } from './counted.ts';
import { MemoryWindowLog } from './memory-window-log.ts';
import { WindowKeeper } from './window-keeper.ts';

const START = Date.UTC(2026, 0, 1);

const event = (id: string, second: number): LogEvent => {
  const at = new Date(START + second * 1_000).toISOString();
  return { event_id: id, timestamp: at, received_at: at, type: 't', message: 'request' };
};

test('up to now where nothing is left, else up to the newest arrival; the earliest of all topics', async () => {
  const counted = new Counted();
  const left: Record<string, Left> = {
    'logs.a': 'nothing',
    'logs.b': 'something',
    'logs.c': 'unknown',
  };
  const upTo = (...topics: string[]) =>
    counted.upTo(
      topics,
      async (topic) => left[topic] ?? 'unknown',
      () => START + 60_000,
    );
  expect(await upTo()).toBe(Number.NEGATIVE_INFINITY);
  expect(await upTo('logs.a')).toBe(START + 60_000);
  expect(await upTo('logs.a', 'logs.b')).toBe(Number.NEGATIVE_INFINITY);
  counted.note('logs.b', event('late', 20), START + 60_000);
  counted.note('logs.b', event('early', 10), START + 60_000);
  expect(await upTo('logs.a', 'logs.b')).toBe(START + 20_000);
  counted.note('logs.c', event('again', 30), START + 60_000);
  expect(await upTo('logs.a', 'logs.c')).toBe(Number.NEGATIVE_INFINITY);
});

test('an absence waits for a backlog, and for a broker that does not answer', async () => {
  const compiled = compileRules([
    {
      id: 'r',
      name: 'n',
      kind: 'absence',
      pattern: 'request',
      within_seconds: 20,
      severity: 'info',
      action: 'alert',
    },
  ]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
  const { ruleset } = compiled;
  const clock = fakeClock(START);
  const told: string[] = [];
  const troubles: string[] = [];
  let upTo: number | Error = Number.NEGATIVE_INFINITY;
  let stored = false;
  const keeper = new WindowKeeper({
    clock,
    log: new MemoryWindowLog(),
    ruleset: () => ruleset,
    missed: async (firing) => {
      if (!stored) throw new Error('the finding is not stored');
      told.push(firing.event_id);
    },
    giveUp: async () => {},
    countedUpTo: async () => {
      if (typeof upTo === 'number') return upTo;
      throw upTo;
    },
    waiting: () => undefined,
    trouble: (message) => troubles.push(message),
    stats: () => undefined,
  });
  await keeper.ready();
  const heard = event('e', 0);
  await keeper.settle(ruleset.match(heard), heard).stored;
  await clock.tick(60_000);
  expect({ told, troubles }).toEqual({ told: [], troubles: [] });
  upTo = new Error('away');
  await clock.tick(2_000);
  expect(troubles).toContain('what is absent cannot be told now');
  upTo = START + 60_000;
  await clock.tick(2_000);
  expect(troubles).toContain('what is absent could not be told, and is tried again');
  expect(told).toEqual([]);
  stored = true;
  await clock.tick(5_000);
  expect(told).toEqual(['e']);
  await clock.tick(600_000);
  expect(told).toEqual(['e']);
  await keeper.close();
});
