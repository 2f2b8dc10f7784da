import { connectBus, consumeDurable, ensureConsumer, type JsMessage } from '@opmas/bus';
import { consumerName, type DeadLetter, streams } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { silentLogger } from '../../kernel/logger.ts';
import { type TestServer, testServer } from '../../testing/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.stop());

it('dead-letters, once, what an agent never finished', async () => {
  const user = server.nats.credsFor('test');
  const bus = await connectBus({
    url: server.nats.url,
    name: 'test',
    logger: silentLogger,
    credentials: () => user,
  });
  const consumer = consumerName('Doomed', 'logs.doom');
  await ensureConsumer(bus, {
    stream: streams.events.name,
    consumer,
    filterSubject: 'logs.doom',
    maxDeliver: 2,
    ackWaitMs: 1_000,
  });
  const agent = consumeDurable(bus, {
    stream: streams.events.name,
    consumer,
    onMessage: (message) => {
      message.nak();
    },
    onError: () => undefined,
  });
  const answer = await server.call('POST', '/api/v1/events?domain=doom', {
    body: [{ message: 'first' }, { message: 'second' }],
  });
  expect(answer.status).toBe(202);

  const letters: DeadLetter[] = [];
  await ensureConsumer(bus, { stream: streams.deadLetters.name, consumer: 'test', deliver: 'all' });
  const reader = consumeDurable(bus, {
    stream: streams.deadLetters.name,
    consumer: 'test',
    onMessage: (message: JsMessage) => {
      letters.push(JSON.parse(Buffer.from(message.data).toString()) as DeadLetter);
      message.ack();
    },
    onError: () => undefined,
  });
  await waitFor(() => letters.length >= 2, { timeoutMs: 20_000 });
  expect(letters.map((letter) => (letter.event as { message: string }).message)).toEqual([
    'first',
    'second',
  ]);
  expect(letters[0]).toMatchObject({ agent_name: 'Doomed', topic: 'logs.doom', deliveries: 2 });
  await Promise.all([agent.stop(), reader.stop()]);
  await bus.close();
});
