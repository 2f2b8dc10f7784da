/** Ranges of a stream are read whole and in order, and leave nothing behind. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type Bus,
  busLimits,
  ensureStreams,
  listConsumers,
  publishDurable,
  type RangeOptions,
  readRange,
  streamInfo,
} from '../index.ts';
import { TestNats } from '../testing/nats-server.ts';

let nats: TestNats;
let bus: Bus;

beforeEach(async () => {
  nats = await TestNats.start();
  bus = await nats.connect('admin');
  await ensureStreams(bus, { eventsMaxAgeMs: 3_600_000, eventsMaxBytes: 1e9, replicas: 1 });
});
afterEach(() => nats.stop());

const publish = async (subject: string, count: number) => {
  for (let n = 0; n < count; n += 1) {
    await publishDurable(bus, subject, `${subject} ${n}`, { msgId: `${subject}${n}` });
  }
};

async function read(options: Partial<RangeOptions>) {
  const texts: string[] = [];
  const range = { stream: 'EVENTS', filterSubject: 'logs.wifi', from: { seq: 1 }, ...options };
  for await (const messages of readRange(bus, range)) {
    texts.push(...messages.map(({ data }) => Buffer.from(data).toString()));
  }
  return texts;
}

it('reads all of a subject in its order, in several parts, and leaves no consumer', async () => {
  const count = busLimits.readerMessages * 2 + 7;
  await publish('logs.wifi', count);
  await publish('logs.auth', 3);
  expect(await read({})).toEqual(Array.from({ length: count }, (_, n) => `logs.wifi ${n}`));
  expect(await listConsumers(bus, 'EVENTS')).toEqual([]);
});

it('begins and ends where it is told to', async () => {
  await publish('logs.wifi', 10);
  expect(await read({ from: { seq: 4 }, toSeq: 6 })).toEqual(
    [3, 4, 5].map((n) => `logs.wifi ${n}`),
  );
  expect(await read({ from: { seq: 11 } })).toEqual([]);
  const last = Date.parse((await streamInfo(bus, 'EVENTS'))?.last_time ?? '');
  expect((await read({ from: { storedAt: last } })).at(-1)).toBe('logs.wifi 9');
  expect(await read({ from: { storedAt: last + 3_600_000 } })).toEqual([]);
});

it('leaves no consumer when it is abandoned, and says why when there is no stream', async () => {
  await publish('logs.wifi', busLimits.readerMessages + 1);
  for await (const messages of readRange(bus, {
    stream: 'EVENTS',
    filterSubject: 'logs.wifi',
    from: { seq: 1 },
  })) {
    expect(messages).toHaveLength(busLimits.readerMessages);
    break;
  }
  expect(await listConsumers(bus, 'EVENTS')).toEqual([]);
  await expect(read({ stream: 'NONE' })).rejects.toMatchObject({ code: 'OPMAS_NOT_FOUND' });
});
