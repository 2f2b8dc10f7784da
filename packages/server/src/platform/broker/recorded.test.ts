/** The newest recorded events: enough of them, in their order, and never much more than asked for. */
import {
  apiPrefix,
  type Bus,
  connectBus,
  publishDurable,
  serverPermissions,
  systemInbox,
} from '@opmas/bus';
import { type TestNats, testNats } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../../kernel/logger.ts';
import { natsBroker } from './nats.ts';
import { recordedEvents } from './recorded.ts';

const COUNT = 40;
const BYTES = 20_000;
let nats: TestNats;
let bus: Bus;
beforeAll(async () => {
  nats = await testNats();
  const { file } = nats.credsFor('server', serverPermissions(apiPrefix(nats.trust)));
  bus = await connectBus({
    url: nats.url,
    name: 'recorded',
    inboxPrefix: systemInbox.server,
    logger: silentLogger,
    connectTimeoutMs: 5_000,
    credsFile: file,
  });
  await natsBroker(bus, { eventsMaxAgeMs: 3_600_000, eventsMaxBytes: 50_000_000 }).prepare();
  for (let n = 0; n < COUNT; n += 1) {
    const text = `${String(n).padStart(3, '0')}${'x'.repeat(BYTES - 3)}`;
    await publishDurable(bus, 'logs.wifi', text, { msgId: `m${n}` });
  }
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

async function newest(bounds: { events: number; bytes: number }): Promise<number[]> {
  const numbers: number[] = [];
  for await (const messages of recordedEvents(bus).newest(['logs.wifi'], bounds)) {
    numbers.push(
      ...messages.map(({ data }) => Number(Buffer.from(data.subarray(0, 3)).toString())),
    );
  }
  return numbers;
}

const last = (count: number) => Array.from({ length: count }, (_, n) => COUNT - count + n);

test('all there are, when there are fewer than asked for', async () => {
  expect(await newest({ events: 1_000, bytes: 1e9 })).toEqual(last(COUNT));
});

test('the newest alone that reach the bound in bytes', async () => {
  expect(await newest({ events: 1_000, bytes: 5 * BYTES })).toEqual(last(5));
  expect(await newest({ events: 1_000, bytes: 5 * BYTES + 1 })).toEqual(last(6));
});
