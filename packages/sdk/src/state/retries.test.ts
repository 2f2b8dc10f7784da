/** An absence that cannot be told is tried less and less often, and given up where everybody sees it. */
import { BusError } from '@opmas/bus';
import type { Firing } from '@opmas/rules';
import { expect, test } from 'vitest';
import { BaseAgent } from '../base-agent.ts';
import { limits } from '../limits.ts';
import { SILENT_HOST } from '../test/silent-host.ts';
import { fakeClock, testAgent } from '../testing/index.ts';
import { Retries } from './retries.ts';

const START = Date.UTC(2026, 0, 1);

/** The times, in seconds, at which the action was tried for the host `ap-1`. */
async function tried(action: () => Promise<void>, seconds: number) {
  const clock = fakeClock(START);
  const at: number[] = [];
  class Paging extends BaseAgent {
    constructor(...given: ConstructorParameters<typeof BaseAgent>) {
      super(...given);
      this.registerAction('page', async (match) => {
        if (match.window?.group['host'] !== 'ap-1') return;
        at.push(Math.round((clock.now() - START) / 1_000));
        await action();
      });
    }
  }
  const config = { subscribed_topics: ['logs.auth'], processing: { timeout: 5 } };
  const h = testAgent(Paging, { rules: [SILENT_HOST], config, clock });
  await h.emit('logs.auth', {
    event_id: 'e',
    host: 'ap-1',
    received_at: new Date(START).toISOString(),
  });
  await clock.tick(seconds * 1_000);
  return { h, at };
}

test('an action that always rejects is tried with longer pauses, then it is a dead letter', async () => {
  const { h, at } = await tried(() => Promise.reject(new Error('no pager')), 3_600);
  expect(at).toHaveLength(limits.absenceTries);
  const pauses = at.slice(1).map((second, i) => second - (at[i] ?? 0));
  expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
  expect(pauses.at(-1)).toBeGreaterThanOrEqual(16);
  expect(h.deadLetters).toMatchObject([
    { deliveries: limits.absenceTries, error: 'no pager', event: { rule_id: 'silent' } },
  ]);
  const errors = h.logs.filter(({ level }) => level === 'error').map(({ message }) => message);
  expect(errors.at(-1)).toBe('what is absent could not be told, and is a dead letter now');
  await h.stop();
  const restarted = testAgent(BaseAgent, {
    rules: [{ ...SILENT_HOST, action: 'alert' }],
    config: { subscribed_topics: ['logs.auth'] },
    clock: h.clock,
    windowLog: h.windowLog,
  });
  await restarted.start();
  await h.clock.tick(600_000);
  expect(restarted.findings).toEqual([]);
  await restarted.stop();
});

test('an action that hangs is given up like one that rejects', async () => {
  const { h, at } = await tried(() => new Promise(() => {}), 3_600);
  expect(at).toHaveLength(limits.absenceTries);
  expect(h.deadLetters).toHaveLength(1);
  await h.stop();
});

test('while the broker is away nothing is given up', async () => {
  let away = true;
  const { h, at } = await tried(async () => {
    if (away) throw new BusError('OPMAS_BROKER_UNAVAILABLE', 'away');
  }, 1_200);
  expect(at.length).toBeGreaterThan(limits.absenceTries);
  expect(h.deadLetters).toEqual([]);
  away = false;
  await h.clock.tick(120_000);
  const before = at.length;
  await h.clock.tick(600_000);
  expect(at).toHaveLength(before);
  expect(h.deadLetters).toEqual([]);
  await h.stop();
});

test('of a rule that is gone nothing is kept', async () => {
  const retries = new Retries();
  const firing = (id: string): Firing => ({
    id,
    rule: SILENT_HOST,
    matched_pattern: '',
    event_id: id,
    window: {
      kind: 'silence',
      key: '',
      group: {},
      count: 0,
      first_event_id: id,
      first_at: '',
      last_event_id: id,
      last_at: '',
    },
    timed: true,
  });
  retries.failed(firing('a'), 0);
  retries.failed(firing('b'), 0);
  expect(retries.nextAt).toBe(limits.absenceRetryMs);
  expect(retries.over(limits.absenceRetryMs).map(({ id }) => id)).toEqual(['a', 'b']);
  expect(retries.nextAt).toBe(Number.POSITIVE_INFINITY);
  retries.keepOnly([firing('b')]);
  expect([retries.failed(firing('a'), 0), retries.failed(firing('b'), 0)]).toEqual([1, 2]);
});
