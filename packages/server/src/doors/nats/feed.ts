/** `opmas.events.>` → live clients: every server reads the whole FEED stream for its own clients. */
import {
  type Bus,
  type Consumption,
  deleteConsumer,
  ensureConsumer,
  fetchBatches,
  streamInfo,
} from '@opmas/bus';
import { type FeedMessage, parse, StoredEvent, streams } from '@opmas/protocol';
import { messageOf } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Feed } from '../ws/feed.ts';

/** Which topic and message type each kind of stored change becomes; others are not for live clients. */
const KINDS: Readonly<Record<string, { topic: string; type: FeedMessage['type'] }>> = {
  'agent.status': { topic: 'agents', type: 'agent.status' },
  'finding.recorded': { topic: 'findings', type: 'finding' },
};

export async function receiveFeed(options: {
  bus: Bus;
  feed: Feed;
  /** Names this server's consumer; the same after a restart. */
  serverId: string;
  logger: Logger;
}): Promise<Consumption> {
  const { bus, feed, serverId, logger } = options;
  const consumer = `feed-${serverId}`;
  const stream = streams.feed.name;

  /** Reads from a little before the end, so that clients of before a restart can resume. */
  const prepare = async (): Promise<void> => {
    const info = await streamInfo(bus, stream);
    if (info === undefined) throw new Error(`stream ${stream} is missing`);
    await deleteConsumer(bus, stream, consumer);
    const fromSeq = Math.max(1, info.first_seq, info.last_seq - limits.feedResumeMessages + 1);
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
  return fetchBatches(bus, {
    stream,
    consumer,
    maxMessages: 500,
    maxWaitMs: 5,
    onBatch: async (messages) => {
      for (const message of messages) {
        const event = parse(StoredEvent, JSON.parse(Buffer.from(message.data).toString('utf8')));
        const kind = event.ok ? KINDS[event.value.kind] : undefined;
        if (event.ok && kind !== undefined) {
          feed.stored({ sequence: message.seq, ...kind, data: event.value.data });
        }
        message.ack();
      }
    },
    onError: (error) => logger.warn({ err: messageOf(error) }, 'feed waits'),
    onGone: prepare,
  });
}
