/** Streams, consumers and buckets as the server keeps them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Bus,
  brokerHealth,
  consumerInfo,
  deleteConsumer,
  ensureConsumer,
  ensureKv,
  ensureStreams,
  listConsumers,
  openKv,
  publishDurable,
  streamInfo,
} from '../index.ts';
import { TestNats, until } from '../testing/nats-server.ts';

let nats: TestNats;
let bus: Bus;

beforeAll(async () => {
  nats = await TestNats.start();
  bus = await nats.connect('server');
});
afterAll(() => nats.stop());

const STREAMS = { eventsMaxAgeMs: 3_600_000, eventsMaxBytes: 1e8, replicas: 1 };

describe('ensureStreams', () => {
  it('makes them, changes nothing the second time, and takes over new limits without losing messages', async () => {
    await ensureStreams(bus, STREAMS);
    await publishDurable(bus, 'logs.wifi', '{}', { msgId: 'kept' });
    await ensureStreams(bus, STREAMS);
    const created = (await streamInfo(bus, 'EVENTS'))?.created;
    await ensureStreams(bus, { ...STREAMS, eventsMaxBytes: 2e8, eventsMaxAgeMs: 60_000 });
    const answer = (await bus.request('$JS.API.STREAM.INFO.EVENTS')).json();
    expect(answer).toMatchObject({
      config: { max_bytes: 2e8, max_age: 60e9, duplicate_window: 60e9 },
      state: { messages: 1 },
    });
    expect((await streamInfo(bus, 'EVENTS'))?.created).toBe(created);
    await ensureStreams(bus, STREAMS);
  });

  it('keeps what the design says', async () => {
    const config = async (name: string) =>
      (await bus.request(`$JS.API.STREAM.INFO.${name}`)).json();
    const day = 86_400e9;
    expect(await config('FINDINGS')).toMatchObject({
      config: { max_age: 7 * day, duplicate_window: 600e9, discard: 'old', storage: 'file' },
    });
    expect(await config('TELEMETRY')).toMatchObject({ config: { max_age: 3_600e9 } });
    expect(await config('DEADLETTERS')).toMatchObject({ config: { max_age: 30 * day } });
    expect(await config('FEED')).toMatchObject({
      config: { max_age: 3_600e9, subjects: ['opmas.events.>'] },
    });
  });
});

describe('ensureConsumer', () => {
  it('is idempotent, updates what may change, and keeps the position', async () => {
    const options = { stream: 'FINDINGS', consumer: 'writer', deliver: 'all' as const };
    await ensureConsumer(bus, options);
    await ensureConsumer(bus, options);
    await publishDurable(bus, 'findings.x', '{}', { msgId: '1' });
    await ensureConsumer(bus, { ...options, maxAckPending: 5_000, ackWaitMs: 60_000 });
    const answer = (await bus.request('$JS.API.CONSUMER.INFO.FINDINGS.writer')).json();
    expect(answer).toMatchObject({
      num_pending: 1,
      config: {
        max_ack_pending: 5_000,
        ack_wait: 60e9,
        max_deliver: 6,
        ack_policy: 'explicit',
        deliver_policy: 'all',
      },
    });
    expect((await listConsumers(bus, 'FINDINGS')).map((state) => state.consumer)).toEqual([
      'writer',
    ]);
  });

  it('says what is missing or wrong, by code', async () => {
    await expect(ensureConsumer(bus, { stream: 'NOPE', consumer: 'x' })).rejects.toMatchObject({
      code: 'OPMAS_NOT_FOUND',
    });
    await expect(ensureConsumer(bus, { stream: 'EVENTS', consumer: 'a.b' })).rejects.toMatchObject({
      name: 'BusError',
    });
    expect(await consumerInfo(bus, 'EVENTS', 'none')).toBeUndefined();
    expect(await streamInfo(bus, 'NOPE')).toBeUndefined();
    expect(await deleteConsumer(bus, 'EVENTS', 'none')).toBe(false);
  });

  it('starts at a position when told so', async () => {
    for (const id of ['a', 'b', 'c'])
      await publishDurable(bus, 'opmas.events.x', id, { msgId: id });
    await ensureConsumer(bus, { stream: 'FEED', consumer: 'from2', deliver: { fromSeq: 2 } });
    expect(await consumerInfo(bus, 'FEED', 'from2')).toMatchObject({ pending: 2 });
  });
});

describe('brokerHealth', () => {
  it('tells version and streams, and never throws', async () => {
    const health = await brokerHealth(bus);
    expect(health).toMatchObject({ up: true, error: undefined });
    expect(health.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(health.streams.map((stream) => stream.stream)).toContain('EVENTS');
    const closed = await nats.connect('closed');
    await closed.close();
    expect(await brokerHealth(closed)).toMatchObject({ up: false, streams: [] });
  });
});

describe('a bucket', () => {
  it('puts, gets, deletes; a missing key is undefined', async () => {
    await ensureKv(bus, 'HOSTS');
    await ensureKv(bus, 'HOSTS');
    const kv = openKv(bus, 'HOSTS');
    const revision = await kv.put('desired.h.a', '{"x":1}');
    expect(await kv.get('desired.h.a')).toEqual({
      key: 'desired.h.a',
      value: Buffer.from('{"x":1}'),
      revision,
    });
    await kv.delete('desired.h.a');
    expect(await kv.get('desired.h.a')).toBeUndefined();
    expect(await kv.get('never')).toBeUndefined();
    await expect(kv.put('bad key', '')).rejects.toMatchObject({ name: 'BusError' });
    expect(() =>
      kv.watch('no-dot', { onPut: () => {}, onDelete: () => {}, onError: () => {} }),
    ).toThrowError(/key prefix/);
  });
});

describe('a watch', () => {
  const watched = (owner: Bus, prefix: string, watcher?: string) => {
    const state = new Map<string, string>();
    const log: string[] = [];
    let ready = 0;
    const watch = openKv(owner, 'HOSTS', watcher === undefined ? {} : { watcher }).watch(prefix, {
      onPut: ({ key, value }) => {
        state.set(key, Buffer.from(value).toString());
        log.push(`put ${key}`);
      },
      onDelete: (key) => {
        state.delete(key);
        log.push(`delete ${key}`);
      },
      onReady: () => void (ready += 1),
      onError: (error) => log.push(`error ${String(error)}`),
    });
    return { state, log, watch, ready: () => ready };
  };

  it('tells what there is, says ready, then tells every change under its prefix only', async () => {
    const kv = openKv(bus, 'HOSTS');
    await kv.put('desired.w1.a', '1');
    await kv.put('desired.w2.a', '1');
    const { state, log, watch, ready } = watched(bus, 'desired.w1.');
    await until('ready', () => ready() === 1);
    expect(log).toEqual(['put desired.w1.a']);
    await kv.put('desired.w1.b', '2');
    await kv.put('desired.w1.a', '3');
    await kv.delete('desired.w1.b');
    await until('all', () => log.length === 4);
    expect([...state]).toEqual([['desired.w1.a', '3']]);
    await watch.stop();
    await kv.put('desired.w1.c', 'after stop');
    await bus.flush();
    expect(log).toHaveLength(4);
  });

  it('on an empty prefix is ready at once', async () => {
    const { log, watch, ready } = watched(bus, 'desired.nobody.');
    await until('ready', () => ready() === 1);
    expect(log).toEqual([]);
    await watch.stop();
  });

  it('catches up after kill -9 of the broker: changes and deletions made while it was away, nothing twice', async () => {
    const kv = openKv(bus, 'HOSTS');
    await kv.put('desired.w3.same', '1');
    await kv.put('desired.w3.gone', '1');
    await kv.put('desired.w3.purged', '1');
    const watcher = await nats.connect('watcher');
    const { state, log, watch, ready } = watched(watcher, 'desired.w3.', 'watch_w3');
    await until('ready', () => ready() === 1);
    await nats.kill();
    await until('down', () => !watcher.isUp());
    await nats.start();
    await bus.whenUp(10_000);
    await kv.delete('desired.w3.gone');
    await kv.put('desired.w3.new', '1');
    await bus.request(
      '$JS.API.STREAM.PURGE.KV_HOSTS',
      JSON.stringify({ filter: '$KV.HOSTS.desired.w3.purged' }),
    );
    await until(
      'caught up',
      () => ready() >= 2 && state.has('desired.w3.new') && !state.has('desired.w3.gone'),
    );
    await watcher.swap(nats.user('watcher2'));
    await kv.put('desired.w3.swapped', '1');
    await until('after the swap', () => state.has('desired.w3.swapped'));
    expect(log.filter((line) => line === 'put desired.w3.same')).toHaveLength(1);
    expect(log.filter((line) => line === 'put desired.w3.new')).toHaveLength(1);
    expect(log.filter((line) => line.startsWith('error'))).toEqual([]);
    await nats.kill();
    await nats.start();
    await until('ready again', () => ready() >= 3);
    expect([...state.keys()].sort()).toEqual([
      'desired.w3.new',
      'desired.w3.same',
      'desired.w3.swapped',
    ]);
    await watch.stop();
    await bus.whenUp(10_000);
  }, 30_000);

  it('waits for a bucket that does not exist yet, saying so once', async () => {
    const log: string[] = [];
    const watch = openKv(bus, 'LATER').watch('', {
      onPut: ({ key }) => log.push(key),
      onDelete: () => undefined,
      onError: () => log.push('error'),
    });
    await until('the report', () => log.length === 1);
    await ensureKv(bus, 'LATER');
    await openKv(bus, 'LATER').put('k', 'v');
    await until('the key', () => log.includes('k'));
    expect(log).toEqual(['error', 'k']);
    await watch.stop();
  });

  it('is made anew when its consumer is removed', async () => {
    const kv = openKv(bus, 'HOSTS');
    const { state, watch, ready } = watched(bus, 'desired.w4.', 'watch_w4');
    await until('ready', () => ready() === 1);
    const reading = async () =>
      ((await consumerInfo(bus, 'KV_HOSTS', 'watch_w4'))?.waiting ?? 0) > 0;
    await until('a pull request', reading);
    await deleteConsumer(bus, 'KV_HOSTS', 'watch_w4');
    await kv.put('desired.w4.a', '1');
    await until('the key', () => state.has('desired.w4.a'));
    await watch.stop();
  });
});
