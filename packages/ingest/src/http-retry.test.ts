/** A client that repeats its POST after a lost answer stores nothing twice: on a real broker. */
import {
  BatchPublisher,
  connectBus,
  decodeEvents,
  ensureConsumer,
  ensureStreams,
  fetchBatches,
} from '@opmas/bus';
import { testNats, waitFor } from '@opmas/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { readEvents } from './http-events.ts';
import { createRouter } from './routing.ts';

it('stores a body once, however often it is posted, as long as the client names its events', async () => {
  const nats = await testNats();
  onTestFinished(() => nats.stop());
  const { jwt, seed } = nats.credsFor('server');
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const bus = await connectBus({
    url: nats.url,
    name: 'server',
    logger: quiet,
    credentials: () => ({ jwt, seed }),
  });
  onTestFinished(() => bus.close());
  await ensureStreams(bus, { eventsMaxAgeMs: 3_600_000, eventsMaxBytes: 1e9, replicas: 1 });
  await ensureConsumer(bus, { stream: 'EVENTS', consumer: 'reader', deliver: 'all' });
  const stored: unknown[] = [];
  const consumption = fetchBatches(bus, {
    stream: 'EVENTS',
    consumer: 'reader',
    maxMessages: 50,
    maxWaitMs: 5,
    onError: () => {},
    onBatch: async (messages) => {
      for (const message of messages) {
        stored.push(...decodeEvents(message.data).events.map((event) => event['event_id']));
        message.ack();
      }
      await Promise.resolve();
    },
  });
  onTestFinished(() => consumption.stop());

  const list = Array.from({ length: 1300 }, (_, n) => ({
    event_id: `e${n}`,
    message: 'm'.repeat(n),
    program: n % 2 === 0 ? 'sshd' : 'hostapd',
  }));
  const body = Buffer.from(JSON.stringify(list));
  const publisher = new BatchPublisher(bus);
  const post = async (now: number) => {
    const context = { now, newId: () => 'unused', router: createRouter() };
    const read = readEvents({ body }, context);
    if (!read.ok) throw new Error(read.detail);
    await Promise.all(
      read.batches.map(({ topic, lines, msg_id }) => publisher.publishBatch(topic, lines, msg_id)),
    );
  };
  await post(Date.UTC(2026, 10, 21, 9));
  await post(Date.UTC(2026, 10, 21, 9, 0, 5));
  await publisher.publishBatch('logs.system', ['{"event_id":"end"}'], 'end');
  await waitFor(() => stored.includes('end'), { what: 'the end of the stream' });
  expect(stored.length).toBe(1301);
  expect(new Set(stored).size).toBe(1301);
});
