/** What no agent could take (it died each time): the server dead-letters it in the agent's place. */
import {
  type Bus,
  type Consumption,
  consumeDurable,
  decodeEvents,
  ensureConsumer,
  type JsMessage,
  publishDurable,
  storedMessage,
} from '@opmas/bus';
import { consumerOwner, type DeadLetter, parse, streams, subjects, Type } from '@opmas/protocol';
import { type Clock, timestamp } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Directory } from './directory.ts';

const CONSUMER = 'server-advisories';

/** `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.<stream>.<consumer>`, as nats-server writes it. */
const Advisory = Type.Object({
  consumer: Type.String(),
  stream_seq: Type.Integer({ minimum: 1 }),
  deliveries: Type.Integer({ minimum: 1 }),
});

export async function prepareDeadLetters(bus: Bus): Promise<void> {
  await ensureConsumer(bus, {
    stream: streams.advisories.name,
    consumer: CONSUMER,
    maxDeliver: -1,
    deliver: 'all',
  });
}

/**
 * Starts reading. An advisory is acknowledged after every event of its message has its dead letter;
 * their message ids make a repetition harmless.
 */
export function receiveDeadLetters(options: {
  bus: Bus;
  directory: Directory;
  clock: Clock;
  logger: Logger;
}): Consumption {
  const { bus, directory, clock, logger } = options;

  async function bury(advisory: { consumer: string; stream_seq: number; deliveries: number }) {
    const owner = consumerOwner(advisory.consumer);
    if (owner === undefined) return;
    const { agent_name, topic } = owner;
    const message = await storedMessage(bus, streams.events.name, advisory.stream_seq);
    if (message === undefined) {
      logger.warn({ agent: agent_name, seq: advisory.stream_seq }, 'undelivered events expired');
      return;
    }
    const { events, errors } = decodeEvents(message.data);
    const agent_id = (await directory.idOf(agent_name)) ?? agent_name;
    for (const [index, event] of [...events, ...errors.map((e) => e.excerpt)].entries()) {
      const letter: DeadLetter = {
        agent_id,
        agent_name,
        topic,
        event,
        error: `The agent did not finish the message in ${advisory.deliveries} deliveries`,
        deliveries: advisory.deliveries,
        timestamp: timestamp(clock.now()),
      };
      await publishDurable(bus, subjects.deadLetter(agent_name), JSON.stringify(letter), {
        msgId: `dl-${advisory.consumer}-${advisory.stream_seq}-${index}`,
      });
    }
    logger.warn({ agent: agent_name, events: events.length }, 'events dead-lettered for the agent');
  }

  return consumeDurable(bus, {
    stream: streams.advisories.name,
    consumer: CONSUMER,
    concurrency: 1,
    onMessage: async (message) => {
      const advisory = parse(Advisory, decode(message));
      if (advisory.ok) await bury(advisory.value);
      else logger.error({ subject: message.subject, errors: advisory.errors }, 'not an advisory');
      message.ack();
    },
    onError: (error) => logger.warn({ err: messageOf(error) }, 'dead letters wait'),
    onGone: () => prepareDeadLetters(bus),
  });
}

/** Undefined (which the schema refuses) when it is not JSON. */
function decode(message: JsMessage): unknown {
  try {
    return JSON.parse(Buffer.from(message.data).toString('utf8'));
  } catch {
    // The caller logs it with the subject.
    return undefined;
  }
}
