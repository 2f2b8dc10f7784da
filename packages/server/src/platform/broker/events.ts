/** The events port over ingest and the bus. */
import { BatchPublisher, type Bus, BusError } from '@opmas/bus';
import { type FollowedRouter, readEvents } from '@opmas/ingest';
import type { EventsPort } from '../../features/events/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';

/** A client waits this long for the broker; then it is told to try again. */
const ACK_WITHIN_MS = 10_000;

export interface EventsGate extends EventsPort {
  stats(): ReturnType<BatchPublisher['stats']>;
  close(): Promise<void>;
}

export function eventsGate(options: {
  bus: Bus;
  router: FollowedRouter;
  clock: Clock;
  ids: Ids;
}): EventsGate {
  const { bus, router, clock, ids } = options;
  const publisher = new BatchPublisher(bus);
  return {
    read: (body, contentType, domain) => {
      const result = readEvents(
        { body, contentType, domain },
        { now: clock.now(), newId: ids.uuid, router },
      );
      return result.ok ? result : { ok: false, error: new OpmasError(result.code, result.detail) };
    },
    publish: async (batches) => {
      try {
        await Promise.all(
          batches.map((batch) =>
            publisher.publishBatch(batch.topic, batch.lines, batch.msg_id, {
              timeoutMs: ACK_WITHIN_MS,
            }),
          ),
        );
      } catch (error) {
        if (!(error instanceof BusError)) throw error;
        throw new OpmasError(
          'OPMAS_BROKER_UNAVAILABLE',
          'The events are not stored: the broker does not answer; send the same body again',
          { retryAfter: 1, cause: error },
        );
      }
    },
    stats: () => publisher.stats(),
    close: async () => {
      await publisher.close();
    },
  };
}
