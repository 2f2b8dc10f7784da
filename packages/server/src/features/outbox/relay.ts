/** Publishes outbox rows to the FEED stream; only the holder of the lease does. */
import { type StoredEvent, subjects } from '@opmas/protocol';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import { type Loop, startLoop } from '../../kernel/loop.ts';
import type { Database } from '../../platform/ports.ts';
import { pendingMessages, removeMessages } from './outbox.store.ts';

export interface RelayOptions {
  database: Database;
  logger: Logger;
  /** Resolves on the broker's acknowledgement; the same msgId twice is stored once. */
  publish(subject: string, data: string, msgId: string): Promise<void>;
  isLeader(): boolean;
}

/**
 * Starts the relay. A row is removed only after the broker acknowledged it, so a crash between the two
 * publishes it again under the same message id and the stream keeps one.
 */
export function startRelay(options: RelayOptions): Loop {
  const { database, logger, publish, isLeader } = options;
  const task = async () => {
    while (isLeader()) {
      const rows = await pendingMessages(database.pool, limits.outboxBatch);
      if (rows.length === 0) return;
      await Promise.all(
        rows.map((row) => {
          const message: StoredEvent = {
            id: String(row.id),
            kind: row.kind,
            at: row.created_at.toISOString(),
            data: row.data,
          };
          return publish(
            subjects.event(row.kind),
            JSON.stringify(message),
            `outbox-${row.id}-${row.created_at.getTime()}`,
          );
        }),
      );
      await removeMessages(
        database.pool,
        rows.map((row) => row.id),
      );
    }
  };
  return startLoop({ name: 'outbox', intervalMs: 250, logger, task });
}
