/** `findings.>` → table: batches, acknowledged after the commit. */
import {
  type Bus,
  type Consumption,
  ensureConsumer,
  fetchBatches,
  type JsMessage,
} from '@opmas/bus';
import { Finding, parse, streams } from '@opmas/protocol';
import type { FindingsService, ReceivedFinding } from '../../features/findings/index.ts';
import { timestamp } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import { isDeep, parseStorable } from '../../kernel/storable.ts';
import type { FindingsTopics } from './findings-topics.ts';
import type { Impostors } from './impostors.ts';

const CONSUMER = 'server-findings';

/** Makes the consumer: it never gives up on a finding, however long the database is away. */
export async function prepareFindings(bus: Bus): Promise<void> {
  await ensureConsumer(bus, {
    stream: streams.findings.name,
    consumer: CONSUMER,
    maxDeliver: -1,
    maxAckPending: limits.findingsBatch * 4,
    deliver: 'all',
  });
}

/** Starts reading; a message that is no finding is logged and dropped, it can never become one. */
export function receiveFindings(options: {
  bus: Bus;
  findings: FindingsService;
  topics: FindingsTopics;
  impostors: Impostors;
  logger: Logger;
  onInvalid: () => void;
}): Consumption {
  const { bus, findings, topics, impostors, logger, onInvalid } = options;
  return fetchBatches(bus, {
    stream: streams.findings.name,
    consumer: CONSUMER,
    maxMessages: limits.findingsBatch,
    maxWaitMs: limits.ingestLingerMs,
    onBatch: async (messages) => {
      const batch = new Map<ReceivedFinding, JsMessage>();
      const drop = (message: JsMessage, fault: string) => {
        onInvalid();
        logger.warn({ subject: message.subject, fault }, 'not a finding, dropped');
        message.term();
      };
      for (const message of messages) {
        const finding = decode(message);
        if (typeof finding === 'string') drop(message, finding);
        else batch.set({ finding, topic: message.subject }, message);
      }
      const claims = [...batch.keys()].map((item) => ({
        agentId: item.finding.agent_id,
        topic: item.topic,
        item,
      }));
      const own = new Set((await topics.allowed(claims)).map(({ item }) => item));
      for (const [item, message] of batch) {
        if (own.has(item)) continue;
        batch.delete(item);
        impostors.note('finding', item.topic, item.finding.agent_id);
        message.term();
      }
      for (const { item, error } of await findings.record([...batch.keys()])) {
        const message = batch.get(item);
        batch.delete(item);
        if (message !== undefined) drop(message, messageOf(error));
      }
      for (const message of batch.values()) message.ack();
    },
    onError: (error) => logger.warn({ err: messageOf(error) }, 'findings wait'),
    onRecovered: () => logger.info({}, 'findings flow again'),
    onGone: () => prepareFindings(bus),
  });
}

/** The finding, or what is wrong with it. */
function decode(message: JsMessage): Finding | string {
  const text = Buffer.from(message.data).toString('utf8');
  if (isDeep(text, limits.jsonDepth)) return `nested deeper than ${limits.jsonDepth} levels`;
  let value: unknown;
  try {
    value = parseStorable(text);
  } catch (error) {
    return messageOf(error);
  }
  const result = parse(Finding, value);
  if (result.ok) {
    const at = Date.parse(result.value.timestamp);
    if (Number.isNaN(at)) return 'timestamp is no time that exists';
    return { ...result.value, timestamp: timestamp(at) };
  }
  return result.errors.map(({ path, message: fault }) => `${path} ${fault}`).join('; ');
}
