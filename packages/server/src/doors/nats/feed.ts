/** `opmas.events.>` → live clients: every server reads the whole FEED stream for its own clients. */
import {
  type Bus,
  type Consumption,
  deleteConsumer,
  ensureConsumer,
  fetchBatches,
  type JsMessage,
  streamInfo,
} from '@opmas/bus';
import { type FeedMessage, parse, StoredEvent, streams } from '@opmas/protocol';
import { messageOf } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Feed } from '../ws/feed.ts';

/** A start does not wait longer than this for the feed's past; clients then get a snapshot. */
const CATCH_UP_MS = 5_000;

/** Which topic and message type each kind of stored change becomes; others are not for live clients. */
const KINDS: Readonly<Record<string, { topic: string; type: FeedMessage['type'] }>> = {
  'agent.status': { topic: 'agents', type: 'agent.status' },
  'finding.recorded': { topic: 'findings', type: 'finding' },
  'job.changed': { topic: 'jobs', type: 'job' },
};

export async function receiveFeed(options: {
  bus: Bus;
  feed: Feed;
  /** Names this server's consumer; the same after a restart. */
  serverId: string;
  /** What an agent is told to run has changed, at whichever server. */
  configChanged: () => void;
  logger: Logger;
}): Promise<Consumption> {
  const { bus, feed, serverId, configChanged, logger } = options;
  const consumer = `feed-${serverId}`;
  const stream = streams.feed.name;

  /** The end of the stream when reading began. */
  let target = 0;
  let reached: (sequence: number) => void = () => undefined;
  const caughtUp = new Promise<void>((resolve) => {
    reached = (sequence) => {
      if (sequence >= target) resolve();
    };
  });

  /** Reads from a little before the end, so that clients of before a restart can resume. */
  const prepare = async (): Promise<void> => {
    const info = await streamInfo(bus, stream);
    if (info === undefined) throw new Error(`stream ${stream} is missing`);
    await deleteConsumer(bus, stream, consumer);
    const fromSeq = Math.max(1, info.first_seq, info.last_seq - limits.feedResumeMessages + 1);
    target = info.messages === 0 ? 0 : info.last_seq;
    feed.start(Date.parse(info.created).toString(36), fromSeq - 1);
    await ensureConsumer(bus, {
      stream,
      consumer,
      deliver: { fromSeq },
      maxDeliver: -1,
      maxAckPending: 10_000,
    });
  };
  await prepare();
  reached(0);
  const consumption = fetchBatches(bus, {
    stream,
    consumer,
    maxMessages: 500,
    maxWaitMs: 5,
    onBatch: async (messages) => {
      for (const message of messages) {
        const event = decode(message);
        const kind = event === undefined ? undefined : KINDS[event.kind];
        if (event?.kind === 'config.changed') configChanged();
        if (event !== undefined && kind !== undefined) {
          feed.stored({ sequence: message.seq, ...kind, data: event.data });
        }
        message.ack();
        reached(message.seq);
      }
    },
    onError: (error) => logger.warn({ err: messageOf(error) }, 'feed waits'),
    onGone: prepare,
  });
  // Who comes back with a cursor finds the past here: clients are let in after it was read.
  await within(CATCH_UP_MS, caughtUp);
  return consumption;
}

/** Undefined for what is no stored change: only this account publishes here, but no reader may stumble. */
function decode(message: JsMessage): StoredEvent | undefined {
  try {
    const event = parse(StoredEvent, JSON.parse(Buffer.from(message.data).toString('utf8')));
    return event.ok ? event.value : undefined;
  } catch {
    // Not JSON: no change that anybody could be told.
    return undefined;
  }
}

/** Resolves with `work`, or after `ms` without it. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
