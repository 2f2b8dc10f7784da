/** Publishes outbox rows to the FEED stream; only the holder of the lease does. */
import { type StoredEvent, subjects } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
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
        rows.map(async (row) => {
          const message: StoredEvent = {
            id: String(row.id),
            kind: row.kind,
            at: row.created_at.toISOString(),
            data: row.data,
          };
          try {
            await publish(
              subjects.event(row.kind),
              JSON.stringify(message),
              `outbox-${row.id}-${row.created_at.getTime()}`,
            );
          } catch (error) {
            // What can never be published must not hold up what follows; the change itself is stored.
            if (!(error instanceof OpmasError && error.code === 'OPMAS_TOO_LARGE')) throw error;
            logger.error({ kind: row.kind, id: row.id, err: error.message }, 'not announced');
          }
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
