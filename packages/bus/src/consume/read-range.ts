/** Reads what a stream holds, beside its consumers: nothing is acknowledged, and nobody's position moves. */
import { randomUUID } from 'node:crypto';
import { found, managerOf } from '../admin/streams.ts';
import type { Bus } from '../connection/bus.ts';
import { currentWire } from '../connection/wire-bus.ts';
import { toBusError } from '../errors.ts';
import { busLimits } from '../limits.ts';

export interface StoredMessage {
  subject: string;
  data: Uint8Array;
  seq: number;
  /** When the broker stored it, in milliseconds since the epoch. */
  storedAt: number;
}

export interface RangeOptions {
  stream: string;
  filterSubject: string;
  /** The first message: by position, or by when it was stored (milliseconds since the epoch). */
  from: { seq: number } | { storedAt: number };
  /** The last position that is read; by default what is there at the beginning. */
  toSeq?: number;
}

/**
 * The messages of a range in their order, some at a time. What expires meanwhile is left out. The broker
 * forgets the reader by itself when it is abandoned.
 * @throws {BusError} OPMAS_BROKER_UNAVAILABLE, OPMAS_TIMEOUT, OPMAS_FORBIDDEN, OPMAS_NOT_FOUND (no stream)
 */
export async function* readRange(
  bus: Bus,
  options: RangeOptions,
): AsyncGenerator<StoredMessage[], void, void> {
  const { stream, filterSubject, from, toSeq = Number.MAX_SAFE_INTEGER } = options;
  const what = `reading ${filterSubject} of stream ${stream}`;
  const name = `reader-${randomUUID()}`;
  try {
    const { AckPolicy, DeliverPolicy, jetstream } = await import('@nats-io/jetstream');
    const manager = await managerOf(bus);
    const info = await manager.consumers.add(stream, {
      name,
      ack_policy: AckPolicy.None,
      filter_subject: filterSubject,
      inactive_threshold: busLimits.readerIdleMs * 1e6,
      mem_storage: true,
      num_replicas: 1,
      ...('seq' in from
        ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, from.seq) }
        : {
            deliver_policy: DeliverPolicy.StartTime,
            opt_start_time: new Date(from.storedAt).toISOString(),
          }),
    });
    let left = info.num_pending;
    try {
      const consumer = await jetstream(currentWire(bus)).consumers.get(stream, name);
      while (left > 0) {
        const messages: StoredMessage[] = [];
        let past = false;
        const fetched = await consumer.fetch({
          max_messages: Math.min(left, busLimits.readerMessages),
          expires: busLimits.readerWaitMs,
        });
        for await (const message of fetched) {
          left -= 1;
          past ||= message.seq >= toSeq;
          if (message.seq > toSeq) continue;
          const { subject, data, seq } = message;
          messages.push({ subject, data, seq, storedAt: message.time.getTime() });
        }
        if (messages.length > 0) yield messages;
        // Less than was there at the beginning: the rest has expired.
        else break;
        if (past) break;
      }
    } finally {
      await found(manager.consumers.delete(stream, name));
    }
  } catch (error) {
    throw toBusError(what, error);
  }
}
