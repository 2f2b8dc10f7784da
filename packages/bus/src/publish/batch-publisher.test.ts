/** BatchPublisher: what it took is stored exactly once, whatever happens to the broker. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  BatchPublisher,
  type Bus,
  collectorPermissions,
  decodeEvents,
  ensureStreams,
  streamInfo,
  systemInbox,
} from '../index.ts';
import { TestNats, until } from '../testing/nats-server.ts';
import { readStream } from '../testing/read-stream.ts';

let nats: TestNats;
let admin: Bus;
let bus: Bus;

beforeEach(async () => {
  nats = await TestNats.start();
  admin = await nats.connect('admin');
  await ensureStreams(admin, { eventsMaxAgeMs: 3_600_000, eventsMaxBytes: 1e9, replicas: 1 });
  bus = await nats.connect('collector', collectorPermissions('local'), {
    inboxPrefix: systemInbox.collector,
  });
});
afterEach(() => nats.stop());

const event = (id: string) =>
  JSON.stringify({ event_id: id, timestamp: '2026-01-01T00:00:00.000Z', type: 't', message: 'm' });

/** How often each event id is in the stream. */
async function stored(): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { data } of await readStream(admin, 'EVENTS')) {
    for (const { event_id: id } of decodeEvents(data).events)
      counts.set(String(id), (counts.get(String(id)) ?? 0) + 1);
  }
  return counts;
}

describe('packing', () => {
  it('fills messages to maxEvents, marks them with their count, and keeps order within a topic', async () => {
    const publisher = new BatchPublisher(bus, { maxEvents: 10 });
    for (let i = 0; i < 25; i += 1)
      expect(publisher.add('logs.wifi', event(`e${i}`), `e${i}`)).toBe(true);
    await publisher.flush();
    const messages = await readStream(admin, 'EVENTS');
    expect(messages.map((message) => message.header('Opmas-Count'))).toEqual(['10', '10', '5']);
    const ids = messages.flatMap((message) =>
      decodeEvents(message.data).events.map((e) => e['event_id']),
    );
    expect(ids).toEqual(Array.from({ length: 25 }, (_, i) => `e${i}`));
    expect(publisher.stats()).toMatchObject({
      queued: 0,
      inFlight: 0,
      acked: 25,
      retried: 0,
      refused: 0,
    });
    await publisher.close();
  });

  it('cuts at maxBytes, and sends a small message after the linger without a flush', async () => {
    const publisher = new BatchPublisher(bus, { maxBytes: 300 });
    for (let i = 0; i < 7; i += 1) publisher.add('logs.wifi', Buffer.from(event(`e${i}`)), `e${i}`);
    publisher.add('logs.auth', event('other'), 'other');
    await until('all acknowledged', () => publisher.stats().acked === 8);
    const messages = await readStream(admin, 'EVENTS');
    expect(Math.max(...messages.map((message) => message.data.length))).toBeLessThanOrEqual(300);
    expect(new Set(messages.map((message) => message.subject))).toEqual(
      new Set(['logs.wifi', 'logs.auth']),
    );
    await publisher.close();
  });

  it('sends a small message though others wait for their acknowledgement', async () => {
    await admin.request('$JS.API.STREAM.DELETE.EVENTS');
    const publisher = new BatchPublisher(bus);
    publisher.add('logs.wifi', event('first'), 'first');
    await until('the first is under way', () => publisher.stats().inFlight === 1);
    publisher.add('logs.wifi', event('second'), 'second');
    await until('the second is under way', () => publisher.stats().inFlight === 2);
    await publisher.close(0);
  });

  it('stores the same events packed the same way once, and never drops others that share an id', async () => {
    const first = new BatchPublisher(bus);
    first.add('logs.wifi', event('a'), 'a');
    await first.flush();
    const again = new BatchPublisher(bus);
    again.add('logs.wifi', event('a'), 'a');
    await again.flush();
    again.add('logs.wifi', '{"event_id":"a","message":"another"}', 'a');
    await again.flush();
    expect((await streamInfo(admin, 'EVENTS'))?.messages).toBe(2);
    await Promise.all([first.close(), again.close()]);
  });

  it.each([
    ['a findings topic', 'findings.x', '{}'],
    ['a wildcard', 'logs.>', '{}'],
    ['a line break in the JSON', 'logs.wifi', '{\n}'],
    ['an empty event', 'logs.wifi', ''],
    ['an event over 1,000,000 bytes', 'logs.wifi', JSON.stringify('x'.repeat(1_000_001))],
  ])('refuses %s at once', async (_, topic, json) => {
    const publisher = new BatchPublisher(bus);
    expect(() => publisher.add(topic, json, 'x')).toThrowError(
      expect.objectContaining({ code: 'OPMAS_INVALID_REQUEST' }),
    );
    await expect(publisher.publishBatch(topic, [json], 'x')).rejects.toMatchObject({
      code: 'OPMAS_INVALID_REQUEST',
    });
    expect(publisher.stats().queued).toBe(0);
    await publisher.close();
  });

  it('carries an event of exactly 1,000,000 bytes', async () => {
    const publisher = new BatchPublisher(bus);
    const large = `{"m":"${'x'.repeat(1_000_000 - 8)}"}`;
    expect(publisher.add('logs.wifi', large, 'large')).toBe(true);
    await publisher.flush();
    expect(publisher.stats().acked).toBe(1);
    await publisher.close();
  });
});

describe('an outage', () => {
  it('kill -9 of the broker under load, three times: every event is stored, none twice', async () => {
    const publisher = new BatchPublisher(bus, { maxEvents: 20, ackTimeoutMs: 1_000 });
    let added = 0;
    let going = true;
    const load = (async () => {
      while (going) {
        for (let i = 0; i < 200; i += 1) {
          if (publisher.add('logs.wifi', event(`e${added}`), `e${added}`)) added += 1;
          else await publisher.whenWritable();
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let round = 0; round < 3; round += 1) {
      const before = publisher.stats().acked;
      await until('load', () => publisher.stats().acked > before + 3_000);
      await nats.kill();
      await nats.start();
    }
    const before = publisher.stats().acked;
    await until('load after the last kill', () => publisher.stats().acked > before);
    going = false;
    await load;
    await publisher.flush();
    expect(publisher.stats()).toMatchObject({ queued: 0, inFlight: 0, acked: added, refused: 0 });
    await admin.whenUp(10_000);
    const counts = await stored();
    expect(counts.size).toBe(added);
    expect([...counts.values()].filter((n) => n !== 1)).toEqual([]);
    await publisher.close();
  }, 60_000);

  it('fills the queue and then takes no more; it empties when the broker is back', async () => {
    const publisher = new BatchPublisher(bus, { maxEvents: 10, maxQueuedEvents: 100 });
    await nats.kill();
    await until('down', () => !bus.isUp());
    let taken = 0;
    while (publisher.add('logs.wifi', event(`e${taken}`), `e${taken}`)) taken += 1;
    expect(taken).toBe(100);
    expect(publisher.writable()).toBe(false);
    await expect(publisher.publishBatch('logs.wifi', [event('x')], 'x')).rejects.toMatchObject({
      code: 'OPMAS_BROKER_UNAVAILABLE',
    });
    const writable = publisher.whenWritable();
    await nats.start();
    await writable;
    await publisher.flush();
    expect(publisher.stats()).toMatchObject({ queued: 0, acked: 100 });
    await publisher.close();
  });

  it('ends publishBatch after its time, and what it held is let go', async () => {
    const publisher = new BatchPublisher(bus);
    await nats.kill();
    await until('down', () => !bus.isUp());
    const publishing = publisher.publishBatch('logs.wifi', [event('x')], 'x', { timeoutMs: 100 });
    await expect(publishing).rejects.toMatchObject({ code: 'OPMAS_TIMEOUT' });
    expect(publisher.stats().queued).toBe(0);
    await publisher.close();
  });

  it('that lasts past close is told: how many events were not stored', async () => {
    const publisher = new BatchPublisher(bus);
    await nats.kill();
    await until('down', () => !bus.isUp());
    for (let i = 0; i < 7; i += 1) publisher.add('logs.wifi', event(`e${i}`), `e${i}`);
    expect(await publisher.close(50)).toBe(7);
    expect(publisher.add('logs.wifi', event('x'), 'x')).toBe(false);
  });
});

describe('a stream that is missing', () => {
  it('holds events until it exists', async () => {
    const manager = await nats.connect('deleter');
    await manager.request('$JS.API.STREAM.DELETE.EVENTS');
    const publisher = new BatchPublisher(bus, { ackTimeoutMs: 500 });
    publisher.add('logs.wifi', event('a'), 'a');
    await until('an attempt', () => publisher.stats().lastError !== undefined);
    expect(publisher.stats()).toMatchObject({ queued: 1, acked: 0 });
    await ensureStreams(admin, { eventsMaxAgeMs: 3_600_000, eventsMaxBytes: 1e9, replicas: 1 });
    await publisher.flush();
    expect([...(await stored()).entries()]).toEqual([['a', 1]]);
    await publisher.close();
  });
});

describe('a swap under load', () => {
  it('loses and doubles no event', async () => {
    const publisher = new BatchPublisher(bus, { maxEvents: 20 });
    let added = 0;
    const add = async (count: number) => {
      for (const end = added + count; added < end; ) {
        if (publisher.add('logs.wifi', event(`e${added}`), `e${added}`)) added += 1;
        else await publisher.whenWritable();
        if (added % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    for (let round = 0; round < 5; round += 1) {
      await Promise.all([
        add(4_000),
        bus.swap(nats.user(`c${round}`, collectorPermissions('local'))),
      ]);
    }
    await publisher.flush();
    expect(publisher.stats()).toMatchObject({ queued: 0, acked: added });
    const counts = await stored();
    expect(counts.size).toBe(added);
    expect([...counts.values()].filter((n) => n !== 1)).toEqual([]);
    await publisher.close();
  });
});

describe('a refused topic', () => {
  it('is told, and does not hold up the others', async () => {
    const narrow = await nats.connect('narrow', {
      pub: { allow: ['logs.wifi'] },
      sub: { allow: ['_INBOX.>'] },
    });
    const refused: string[] = [];
    const publisher = new BatchPublisher(narrow, {
      maxInFlight: 1,
      onRefused: (topic, events, error) => refused.push(`${topic} ${events} ${error.code}`),
    });
    publisher.add('logs.auth', event('a'), 'a');
    publisher.add('logs.wifi', event('b'), 'b');
    await publisher.flush();
    expect(refused).toEqual(['logs.auth 1 OPMAS_FORBIDDEN']);
    expect(publisher.stats()).toMatchObject({ acked: 1, refused: 1, queued: 0 });
    await expect(publisher.publishBatch('logs.auth', [event('c')], 'c')).rejects.toMatchObject({
      code: 'OPMAS_FORBIDDEN',
    });
    await publisher.close();
  });
});

describe('publishBatch', () => {
  it('resolves when everything is stored, in messages of bounded size, once per id', async () => {
    const publisher = new BatchPublisher(bus);
    const lines = Array.from({ length: 250 }, (_, i) => event(`e${i}`));
    await publisher.publishBatch('logs.wifi', lines, 'req-1');
    await publisher.publishBatch('logs.wifi', lines, 'req-1');
    await publisher.publishBatch('logs.wifi', [], 'req-2');
    expect((await streamInfo(admin, 'EVENTS'))?.messages).toBe(3);
    expect((await stored()).size).toBe(250);
    await publisher.close();
  });
});
