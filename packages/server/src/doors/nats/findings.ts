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
import { messageOf } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';

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
  logger: Logger;
  onInvalid: () => void;
}): Consumption {
  const { bus, findings, logger, onInvalid } = options;
  return fetchBatches(bus, {
    stream: streams.findings.name,
    consumer: CONSUMER,
    maxMessages: limits.findingsBatch,
    maxWaitMs: limits.ingestLingerMs,
    onBatch: async (messages) => {
      const batch: ReceivedFinding[] = [];
      const done: JsMessage[] = [];
      for (const message of messages) {
        const finding = decode(message);
        if (typeof finding === 'string') {
          onInvalid();
          logger.warn({ subject: message.subject, fault: finding }, 'not a finding, dropped');
          message.term();
          continue;
        }
        batch.push({ finding, topic: message.subject });
        done.push(message);
      }
      await findings.record(batch);
      for (const message of done) message.ack();
    },
    onError: (error) => logger.warn({ err: messageOf(error) }, 'findings wait'),
    onRecovered: () => logger.info({}, 'findings flow again'),
    onGone: () => prepareFindings(bus),
  });
}

/** The finding, or what is wrong with it. */
function decode(message: JsMessage): Finding | string {
  let value: unknown;
  try {
    // PostgreSQL stores no NUL; the character is as good as any other replacement.
    const text = Buffer.from(message.data).toString('utf8').replaceAll('\\u0000', '\\uFFFD');
    value = JSON.parse(text);
  } catch (error) {
    return messageOf(error);
  }
  const result = parse(Finding, value);
  if (result.ok) return result.value;
  return result.errors.map(({ path, message: fault }) => `${path} ${fault}`).join('; ');
}
