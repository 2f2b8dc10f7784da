/** Durable consumers: nothing acknowledged comes again, nothing unacknowledged is lost. */
import { inboxPrefix } from '@opmas/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  agentPermissions,
  type Bus,
  BusError,
  consumeDurable,
  consumerInfo,
  deleteConsumer,
  ensureConsumer,
  ensureStreams,
  fetchBatches,
  type JsMessage,
  publishDurable,
} from '../index.ts';
import { TestNats, until } from '../testing/nats-server.ts';
import { readAckSubject } from './message.ts';

const CONSUMER = { stream: 'EVENTS', consumer: 'a=wifi' };

let nats: TestNats;
let admin: Bus;
let bus: Bus;

beforeEach(async () => {
  nats = await TestNats.start();
  admin = await nats.connect('admin');
  bus = await nats.connect('agent');
  await ensureStreams(admin, { eventsMaxAgeMs: 3_600_000, eventsMaxBytes: 1e9, replicas: 1 });
  await ensureConsumer(admin, { ...CONSUMER, filterSubject: 'logs.wifi', ackWaitMs: 2_000 });
});
afterEach(() => nats.stop());

let published = 0;

async function publish(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => `m${(published += 1)}`);
  await Promise.all(ids.map((id) => publishDurable(admin, 'logs.wifi', id, { msgId: id })));
  return ids;
}

const text = (message: JsMessage) => Buffer.from(message.data).toString();

describe('consumeDurable', () => {
  it('hands over each message once, in order, with what is known of it', async () => {
    const got: JsMessage[] = [];
    const consumption = consumeDurable(bus, {
      ...CONSUMER,
      maxMessages: 10,
      onMessage: (message) => {
        got.push(message);
        message.ack();
      },
      onError: (error) => expect.unreachable(String(error)),
    });
    const ids = await publish(200);
    await until('all', () => got.length === 200);
    expect(got.map(text).sort()).toEqual(ids.sort());
    expect(got.map((message) => message.seq)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(
      got.every((message) => message.deliveries === 1 && message.msgId === text(message)),
    ).toBe(true);
    expect(got[0]).toMatchObject({ subject: 'logs.wifi' });
    expect(Math.abs((got[0]?.storedAt ?? 0) - Date.now())).toBeLessThan(60_000);
    await until(
      'all acknowledged',
      async () => (await consumerInfo(admin, 'EVENTS', 'a=wifi'))?.ack_floor === 200,
    );
    await consumption.stop();
  });

  it('never holds more than maxMessages, nor runs more than concurrency handlers', async () => {
    await publish(100);
    let most = 0;
    let atWork = 0;
    let mostAtWork = 0;
    let done = 0;
    const consumption = consumeDurable(bus, {
      ...CONSUMER,
      maxMessages: 8,
      concurrency: 3,
      onMessage: async (message) => {
        most = Math.max(most, consumption.held());
        atWork += 1;
        mostAtWork = Math.max(mostAtWork, atWork);
        await new Promise((resolve) => setImmediate(resolve));
        atWork -= 1;
        message.ack();
        done += 1;
      },
      onError: (error) => expect.unreachable(String(error)),
    });
    await until('all', () => done === 100);
    expect(most).toBeLessThanOrEqual(8);
    expect(mostAtWork).toBe(3);
    await consumption.stop();
  });

  it('sends a message again when its handler fails, with the count of deliveries', async () => {
    await publish(1);
    const deliveries: number[] = [];
    const errors: unknown[] = [];
    const consumption = consumeDurable(bus, {
      ...CONSUMER,
      onMessage: (message) => {
        deliveries.push(message.deliveries);
        if (message.deliveries === 1) throw new Error('bug');
        if (message.deliveries === 2) message.nak();
        else message.term();
      },
      onError: (error) => errors.push(error),
    });
    await until('three deliveries', () => deliveries.length === 3);
    expect(deliveries).toEqual([1, 2, 3]);
    expect(errors).toHaveLength(1);
    await until(
      'nothing left',
      async () => (await consumerInfo(admin, 'EVENTS', 'a=wifi'))?.ack_pending === 0,
    );
    await consumption.stop();
  });

  it('knows what is left of what was stored, by whomever it was taken', async () => {
    const open: JsMessage[] = [];
    const [id] = await publish(1);
    const options = {
      ...CONSUMER,
      resendMs: 2_500,
      onMessage: (message: JsMessage) => void open.push(message),
      onError: (error: unknown) => expect.unreachable(String(error)),
    };
    // Somebody took a message and ended without a word: it comes again when its time is over.
    const before = consumeDurable(await nats.connect('before'), options);
    await until('taken', () => open.length === 1);
    await before.stop();
    const consumption = consumeDurable(bus, options);
    const began = performance.now();
    expect(await consumption.left()).toBe('unknown');
    await until('it came again', () => open.length === 2);
    expect(open.map(text)).toEqual([id, id]);
    await until('time is over', () => performance.now() - began > 2_500);
    expect(await consumption.left()).toBe('something');
    open[1]?.nak(500);
    expect(await consumption.left()).toBe('unknown');
    await until('it came a third time', () => open.length === 3);
    expect(await consumption.left()).toBe('something');
    open[2]?.ack();
    await until('nothing left', async () => (await consumption.left()) === 'nothing');
    await publish(1);
    await until('the next', () => open.length === 4);
    expect(await consumption.left()).toBe('something');
    open[3]?.ack();
    await until('nothing left again', async () => (await consumption.left()) === 'nothing');
    await consumption.stop();
    expect(await consumption.left()).toBe('something');
  });

  it('does not say that everything is done while the broker still has something', async () => {
    const open: JsMessage[] = [];
    const consumption = consumeDurable(bus, {
      ...CONSUMER,
      maxMessages: 2,
      resendMs: 0,
      onMessage: (message) => {
        open.push(message);
        message.ack();
      },
      onError: (error) => expect.unreachable(String(error)),
    });
    await until('nothing left', async () => (await consumption.left()) === 'nothing');
    let wrong = 0;
    for (let round = 0; round < 100; round += 1) {
      const before = open.length;
      await publish(5);
      if ((await consumption.left()) === 'nothing' && open.length < before + 5) wrong += 1;
    }
    expect(wrong).toBe(0);
    await until('all', () => open.length === 500);
    await consumption.stop();
  });

  it('reads with no right to ask about the consumer', async () => {
    const allowed = agentPermissions({
      agentName: 'a',
      topics: ['logs.wifi'],
      findingsTopic: 'findings.wifi',
    });
    const agent = await nats.connect('a', allowed, { inboxPrefix: inboxPrefix('a') });
    const refused: string[] = [];
    agent.onViolation(({ subject }) => refused.push(subject));
    const got: JsMessage[] = [];
    const consumption = consumeDurable(agent, {
      ...CONSUMER,
      resendMs: 0,
      onMessage: (message) => {
        got.push(message);
        message.ack();
      },
      onError: (error) => expect.unreachable(String(error)),
    });
    await publish(3);
    await until('three', () => got.length === 3);
    await until('nothing left', async () => (await consumption.left()) === 'nothing');
    await nats.kill();
    await until('noticed', () => !agent.isUp());
    expect(await consumption.left()).toBe('something');
    await nats.start();
    await until('nothing left', async () => (await consumption.left()) === 'nothing');
    expect(refused).toEqual([]);
    await consumption.stop();
  });

  it('settles a message once: the second word is not sent', async () => {
    await publish(1);
    const words: boolean[] = [];
    const consumption = consumeDurable(bus, {
      ...CONSUMER,
      onMessage: (message) => {
        words.push(
          message.working(),
          message.ack(),
          message.nak(),
          message.term(),
          message.working(),
        );
      },
      onError: (error) => expect.unreachable(String(error)),
    });
    await until('handled', () => words.length > 0);
    expect(words).toEqual([true, true, false, false, false]);
    await consumption.stop();
    expect((await consumerInfo(admin, 'EVENTS', 'a=wifi'))?.ack_pending).toBe(0);
  });

  it('stop gives waiting messages back at once: another instance gets them without waiting for ack_wait', async () => {
    await ensureConsumer(admin, { ...CONSUMER, filterSubject: 'logs.wifi', ackWaitMs: 600_000 });
    await publish(50);
    let release = () => {};
    const blocked = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first: string[] = [];
    const consumption = consumeDurable(bus, {
      ...CONSUMER,
      maxMessages: 50,
      onMessage: async (message) => {
        first.push(text(message));
        await blocked;
        message.ack();
      },
      onError: (error) => expect.unreachable(String(error)),
    });
    await until('prefetched', () => consumption.held() === 50);
    const stopping = consumption.stop();
    release();
    await stopping;
    const second: string[] = [];
    const other = consumeDurable(admin, {
      ...CONSUMER,
      onMessage: (message) => {
        second.push(text(message));
        message.ack();
      },
      onError: (error) => expect.unreachable(String(error)),
    });
    await until('the rest', () => second.length === 49);
    expect(first).toHaveLength(1);
    expect(new Set([...first, ...second]).size).toBe(50);
    await other.stop();
  });

  it('goes on after kill -9 of the broker, under load, and loses nothing', async () => {
    const got = new Set<string>();
    const errors: unknown[] = [];
    const consumption = consumeDurable(bus, {
      ...CONSUMER,
      onMessage: (message) => {
        got.add(text(message));
        message.ack();
      },
      onError: (error) => errors.push(error),
    });
    const all: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const publishing = publish(300);
      await until('some', () => got.size > all.length + 20);
      await nats.kill();
      await nats.start();
      all.push(...(await publishing));
    }
    await until('all', () => got.size === all.length, 30_000);
    expect(new Set(all)).toEqual(got);
    await consumption.stop();
  }, 60_000);

  it('reports a missing consumer once, then reads as soon as it exists', async () => {
    const errors: unknown[] = [];
    let recovered = 0;
    const got: string[] = [];
    const consumption = consumeDurable(bus, {
      stream: 'EVENTS',
      consumer: 'later=wifi',
      onMessage: (message) => {
        got.push(text(message));
        message.ack();
      },
      onError: (error) => errors.push(error),
      onRecovered: () => void (recovered += 1),
    });
    await until('the report', () => errors.length === 1);
    expect(errors[0]).toMatchObject({ code: 'OPMAS_NOT_FOUND' });
    await ensureConsumer(admin, {
      stream: 'EVENTS',
      consumer: 'later=wifi',
      filterSubject: 'logs.wifi',
    });
    const ids = await publish(3);
    await until('the messages', () => got.length === 3);
    expect(got.sort()).toEqual(ids.sort());
    expect(errors).toHaveLength(1);
    expect(recovered).toBe(1);
    await consumption.stop();
  });

  it('lets the owner make a deleted consumer again', async () => {
    let made = 0;
    const got: string[] = [];
    const consumption = consumeDurable(bus, {
      ...CONSUMER,
      onMessage: (message) => {
        got.push(text(message));
        message.ack();
      },
      onError: () => undefined,
      onGone: async () => {
        made += 1;
        await ensureConsumer(admin, { ...CONSUMER, filterSubject: 'logs.wifi', deliver: 'all' });
      },
    });
    await until(
      'reading',
      async () => ((await consumerInfo(admin, 'EVENTS', 'a=wifi'))?.waiting ?? 0) > 0,
    );
    expect(await deleteConsumer(admin, 'EVENTS', 'a=wifi')).toBe(true);
    await until('made again', () => made === 1);
    const [id] = await publish(1);
    await until('the message', () => got.length === 1);
    expect(got).toEqual([id]);
    await consumption.stop();
  });

  it('moves with a swap: nothing lost, nothing redelivered', async () => {
    await ensureConsumer(admin, { ...CONSUMER, filterSubject: 'logs.wifi', ackWaitMs: 600_000 });
    const got: string[] = [];
    const consumption = consumeDurable(bus, {
      ...CONSUMER,
      maxMessages: 20,
      onMessage: async (message) => {
        await new Promise((resolve) => setImmediate(resolve));
        got.push(text(message));
        message.ack();
      },
      onError: (error) => expect.unreachable(String(error)),
    });
    const all: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      const [ids] = await Promise.all([publish(200), bus.swap(nats.user(`a${round}`))]);
      all.push(...ids);
    }
    await until('all', () => got.length >= all.length);
    await consumption.stop();
    expect(got.sort()).toEqual(all.sort());
    const info = await consumerInfo(admin, 'EVENTS', 'a=wifi');
    expect(info).toMatchObject({ ack_pending: 0, redelivered: 0, pending: 0 });
  });

  it('two instances share one consumer', async () => {
    const got = { a: 0, b: 0 };
    const start = (owner: Bus, who: 'a' | 'b') =>
      consumeDurable(owner, {
        ...CONSUMER,
        maxMessages: 5,
        onMessage: async (message) => {
          await new Promise((resolve) => setImmediate(resolve));
          got[who] += 1;
          message.ack();
        },
        onError: (error) => expect.unreachable(String(error)),
      });
    const both = [start(bus, 'a'), start(admin, 'b')];
    await publish(300);
    await until('all', () => got.a + got.b === 300);
    expect(Math.min(got.a, got.b)).toBeGreaterThan(0);
    await Promise.all(both.map((one) => one.stop()));
  });
});

describe('fetchBatches', () => {
  it('hands over full arrays in order, and a smaller one after the wait', async () => {
    await publish(25);
    const sizes: number[] = [];
    const seqs: number[] = [];
    const consumption = fetchBatches(bus, {
      ...CONSUMER,
      maxMessages: 10,
      maxWaitMs: 50,
      onBatch: (messages) => {
        sizes.push(messages.length);
        for (const message of messages) {
          seqs.push(message.seq);
          message.ack();
        }
        return Promise.resolve();
      },
      onError: (error) => expect.unreachable(String(error)),
    });
    await until('all', () => seqs.length === 25);
    expect(seqs).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
    await consumption.stop();
  });

  it('works one array at a time and tries a failed one again, losing nothing', async () => {
    const ids = await publish(30);
    const done = new Set<string>();
    let atWork = 0;
    let failures = 0;
    const errors: unknown[] = [];
    const consumption = fetchBatches(bus, {
      ...CONSUMER,
      maxMessages: 10,
      maxWaitMs: 20,
      retryDelayMs: 50,
      onBatch: async (messages) => {
        atWork += 1;
        expect(atWork).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        atWork -= 1;
        if (failures < 2) {
          failures += 1;
          throw new BusError('OPMAS_DATABASE_UNAVAILABLE', 'the database is away');
        }
        for (const message of messages) {
          done.add(text(message));
          message.ack();
        }
      },
      onError: (error) => errors.push(error),
    });
    await until('all', () => done.size === 30);
    expect([...done].sort()).toEqual(ids.sort());
    expect(errors).toHaveLength(2);
    await consumption.stop();
    expect((await consumerInfo(admin, 'EVENTS', 'a=wifi'))?.ack_pending).toBe(0);
  });

  it('gives what it holds back on stop', async () => {
    await ensureConsumer(admin, { ...CONSUMER, filterSubject: 'logs.wifi', ackWaitMs: 600_000 });
    await publish(5);
    const consumption = fetchBatches(bus, {
      ...CONSUMER,
      maxMessages: 10,
      maxWaitMs: 600_000,
      onBatch: () => expect.unreachable('the array is never full'),
      onError: (error) => expect.unreachable(String(error)),
    });
    await until('five held', () => consumption.held() === 5);
    await consumption.stop();
    const got: string[] = [];
    const other = fetchBatches(admin, {
      ...CONSUMER,
      maxMessages: 5,
      maxWaitMs: 1_000,
      onBatch: (messages) => {
        for (const message of messages) {
          got.push(text(message));
          message.ack();
        }
        return Promise.resolve();
      },
      onError: (error) => expect.unreachable(String(error)),
    });
    await until('all again', () => got.length === 5);
    await other.stop();
  });
});

describe('the acknowledgement subject', () => {
  it('is read in the form of 2.9 and in the longer form with domain and account', () => {
    const known = { deliveries: 2, seq: 30, storedAt: 1_700_000_000_000, pending: 7 };
    expect(readAckSubject('$JS.ACK.EVENTS.a=wifi.2.30.4.1700000000000000000.7')).toEqual(known);
    expect(
      readAckSubject('$JS.ACK._.ACCHASH.EVENTS.a=wifi.2.30.4.1700000000000000000.7.rnd'),
    ).toEqual(known);
  });

  it.each([
    '',
    'logs.wifi',
    '$JS.ACK',
    '$JS.ACK.a.b.c',
    '$JS.ACK.EVENTS.c.x.y.z.t.p',
    '$JS.FC.EVENTS.c.1.1.1.1.1',
  ])('is not seen in %j', (subject) => {
    expect(readAckSubject(subject)).toBeUndefined();
  });
});
