/** An agent ends within the time its host gives, whatever hangs, and gives back what it did not finish. */
import type { LogEvent } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { BaseAgent } from '../index.ts';
import { limits } from '../limits.ts';
import { constructWith } from '../runtime/ambient.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { TestRuntime } from '../testing/test-runtime.ts';
import { Ending } from './ending.ts';

const never = () => new Promise<never>(() => {});

class Hanging extends BaseAgent {
  override processEvent(_event: LogEvent): Promise<void> {
    return never();
  }
}

class HangingRuntime extends TestRuntime {
  readonly stopGraceMs = 4_000;

  override close(): Promise<void> {
    return never();
  }
}

test('an end fits the grace of the host: what hangs is given back, and the connection is not waited for', async () => {
  const clock = fakeClock();
  const runtime = new HangingRuntime({
    agentName: 'TestAgent',
    agentType: 'test',
    clock,
    packageDefaults: {},
    config: { subscribed_topics: ['logs.auth'], processing: { timeout: 3_600 } },
  });
  const agent = constructWith(runtime, () => new Hanging(runtime.agentId, 'http://127.0.0.1'));
  await agent.start();
  const answers: string[] = [];
  const event = { event_id: 'e', timestamp: '2026-01-01T00:00:00Z', type: 't', message: 'm' };
  void runtime.readers.get('logs.auth')?.({
    topic: 'logs.auth',
    data: Buffer.from(JSON.stringify(event)),
    key: '1',
    deliveries: 1,
    ack: () => answers.push('ack'),
    nak: (delayMs) => answers.push(`nak ${delayMs}`),
    working: () => {},
  });
  const began = clock.now();
  let endedAt: number | undefined;
  const stopped = agent.stop().then(() => {
    endedAt = clock.now();
  });
  await clock.tick(runtime.stopGraceMs * limits.drainShare);
  expect(answers).toEqual(['nak 0']);
  await clock.tick(runtime.stopGraceMs);
  await stopped;
  expect((endedAt ?? 0) - began).toBeLessThanOrEqual(runtime.stopGraceMs * limits.closeShare);
  expect(runtime.logs.map(({ context }) => context?.['error'])).toContain(
    'the connection is not closed: it took too long',
  );
});

test('a part that fails is told, and the next one is done all the same', async () => {
  const clock = fakeClock();
  const told: unknown[] = [];
  const done: string[] = [];
  const ending = new Ending({ clock, graceMs: 1_000, onTrouble: (error) => told.push(error) });
  await ending.part('a', 0.5, () => Promise.reject(new Error('no')));
  await ending.part('b', 0.6, async (leftMs) => void done.push(`b ${leftMs}`));
  const late = ending.part('c', 0.8, never);
  await clock.tick(800);
  await late;
  await ending.part('d', 0.7, async (leftMs) => void done.push(`d ${leftMs}`));
  expect(done).toEqual(['b 600', 'd 0']);
  expect(told.map(String)).toEqual(['Error: no', expect.stringContaining('c: it took too long')]);
  expect(() => ending.done()).toThrow('no');
});
