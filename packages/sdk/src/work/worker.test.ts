import { type LogEvent, limits as wire } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { decodeMessage } from './decode.ts';
import type { Delivery } from './delivery.ts';
import type { EventScope } from './scope.ts';
import { type DeadEvent, Worker, type WorkerPorts } from './worker.ts';

const event = (id: string): LogEvent => ({
  event_id: id,
  timestamp: '2026-01-01T00:00:00Z',
  type: 'auth',
  message: id,
});

function setUp(process: (scope: EventScope) => Promise<void>, more: Partial<WorkerPorts> = {}) {
  const clock = fakeClock();
  const dead: DeadEvent[] = [];
  const answers: string[] = [];
  const failures: unknown[] = [];
  const invalid: string[] = [];
  const worker = new Worker({
    clock,
    decode: decodeMessage,
    screen: () => undefined,
    onRead: () => undefined,
    process,
    processAll: () => undefined,
    deadLetter: async (letter) => void dead.push(letter),
    maxDeliveries: () => 3,
    onFailure: (error) => failures.push(error),
    onInvalid: (error) => invalid.push(error),
    onTrouble: (error) => failures.push(error),
    ...more,
  });
  const deliver = (data: string, deliveries: number, key = '1') => {
    const delivery: Delivery = {
      topic: 'logs.auth',
      data: Buffer.from(data),
      key,
      deliveries,
      ack: () => answers.push(`ack ${deliveries}`),
      nak: (ms) => answers.push(`nak ${deliveries} ${ms}`),
      working: () => answers.push('working'),
    };
    return worker.work(delivery);
  };
  return { clock, worker, deliver, dead, answers, failures, invalid };
}

const batch = (...ids: string[]) => ids.map((id) => JSON.stringify(event(id))).join('\n');

test('a message is acknowledged only after the findings of all its events', async () => {
  let store = () => {};
  const stored = new Promise<void>((resolve) => {
    store = resolve;
  });
  const { deliver, answers } = setUp(async (scope) => scope.waitFor(stored));
  const { processed, settled } = deliver(batch('a', 'b'), 1);
  await processed;
  expect(answers).toEqual([]);
  store();
  expect(await settled).toBe('acked');
  expect(answers).toEqual(['ack 1']);
});

test('only the culprit is dead-lettered; the others are processed once', async () => {
  const seen: string[] = [];
  const { deliver, answers, dead } = setUp(async ({ event: { event_id } }) => {
    seen.push(event_id);
    if (event_id === 'bad') throw new Error('no');
  });
  const data = batch('a', 'bad', 'b', 'c');
  await deliver(data, 1).settled;
  expect(seen).toEqual(['a', 'bad']);
  await deliver(data, 2).settled;
  expect(seen).toEqual(['a', 'bad', 'bad', 'b', 'c']);
  await deliver(data, 3).settled;
  expect(seen).toEqual(['a', 'bad', 'bad', 'b', 'c', 'bad']);
  expect(answers).toEqual(['nak 1 1000', 'nak 2 2000', 'ack 3']);
  expect(dead).toMatchObject([{ id: '1.1', event: event('bad'), error: 'no', deliveries: 3 }]);
});

test('a finding that cannot be stored brings its event again, and not the others', async () => {
  let broker = false;
  const seen: string[] = [];
  const { deliver, answers } = setUp(async (scope) => {
    seen.push(scope.event.event_id);
    if (scope.event.event_id === 'b' && !broker) {
      scope.waitFor(Promise.reject(new Error('broker away')));
    }
  });
  await deliver(batch('a', 'b'), 1).settled;
  broker = true;
  await deliver(batch('a', 'b'), 2).settled;
  expect(seen).toEqual(['a', 'b', 'b']);
  expect(answers).toEqual(['nak 1 1000', 'ack 2']);
});

test('what is no event goes to the dead letters at once and stops nothing', async () => {
  const seen: string[] = [];
  const { deliver, dead, answers, invalid } = setUp(
    async (scope) => void seen.push(scope.event.event_id),
  );
  await deliver(`${batch('a')}\n{"broken\n{"event_id":"x"}\n${batch('b')}`, 1).settled;
  expect(seen).toEqual(['a', 'b']);
  expect(dead.map((d) => d.error)).toEqual([
    expect.stringContaining('cannot be read'),
    expect.stringContaining('not an event: missing timestamp'),
  ]);
  expect(invalid).toHaveLength(2);
  expect(answers).toEqual(['ack 1']);
  expect(new Set(dead.map((d) => d.id)).size).toBe(2);
});

test('when the dead letter cannot be stored, the message comes again', async () => {
  const { deliver, answers } = setUp(async () => {}, {
    deadLetter: async () => {
      throw new Error('broker away');
    },
  });
  await deliver('rubbish', 1).settled;
  expect(answers).toEqual(['nak 1 1000']);
});

test('a second delivery of a message in work is not worked again, and gets the answer', async () => {
  let finish = () => {};
  const work = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let runs = 0;
  const { deliver, answers, worker } = setUp(async () => {
    runs += 1;
    await work;
  });
  const first = deliver(batch('a'), 1);
  deliver(batch('a'), 2);
  expect(worker.inFlight).toBe(1);
  finish();
  await first.settled;
  await worker.idle();
  expect(runs).toBe(1);
  expect(answers).toEqual(['ack 2']);
});

test('a long batch tells the broker that it is alive', async () => {
  let finish = () => {};
  const work = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { deliver, answers, clock } = setUp(() => work);
  const { settled } = deliver(batch('a'), 1);
  await clock.tick(limits.workingMs * 2);
  finish();
  await settled;
  await clock.tick(limits.workingMs * 2);
  expect(answers).toEqual(['working', 'working', 'ack 1']);
});

test('when the whole batch at once fails, its events are worked one by one with the same ordinals', async () => {
  const ordinals: number[] = [];
  const { deliver, answers } = setUp(async (scope) => void ordinals.push(scope.ordinal('r')), {
    processAll: () => async (scopes) => {
      scopes[0]?.ordinal('r');
      throw new Error('whole batch');
    },
  });
  await deliver(batch('a', 'b'), 1).settled;
  expect(ordinals).toEqual([0, 0]);
  expect(answers).toEqual(['ack 1']);
});

test('more events than a message may hold are told, not dropped in silence', async () => {
  const ids = Array.from({ length: wire.batchEvents + 200 }, (_x, i) => `e${i}`);
  let runs = 0;
  const { deliver, dead } = setUp(async () => void (runs += 1));
  await deliver(batch(...ids), 1).settled;
  expect(runs).toBe(wire.batchEvents);
  expect(dead).toHaveLength(101);
  expect(dead.at(-1)?.error).toContain('100 more parts');
});
