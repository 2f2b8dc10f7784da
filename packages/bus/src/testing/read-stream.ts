/** All messages of a stream, for tests that compare what was acknowledged with what is stored. */
import { type Bus, consumeDurable, ensureConsumer, type JsMessage, streamInfo } from '../index.ts';
import { until } from './nats-server.ts';

let readers = 0;

export async function readStream(bus: Bus, stream: string): Promise<JsMessage[]> {
  const total = (await streamInfo(bus, stream))?.messages ?? 0;
  readers += 1;
  const consumer = `reader${readers}`;
  await ensureConsumer(bus, { stream, consumer, deliver: 'all' });
  const messages: JsMessage[] = [];
  const consumption = consumeDurable(bus, {
    stream,
    consumer,
    maxMessages: 500,
    onMessage: (message) => {
      messages.push(message);
      message.ack();
    },
    onError: (error) => {
      throw error;
    },
  });
  await until(`${total} messages of ${stream}`, () => messages.length >= total, 30_000);
  await consumption.stop();
  return messages;
}
