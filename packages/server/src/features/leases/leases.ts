/** Leader tasks run on one server at a time: a row with a holder, an epoch and the database's clock. */

import { messageOf } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { startLoop } from '../../kernel/loop.ts';
import { sql } from '../../kernel/sql.ts';
import type { Database, Executor } from '../../platform/ports.ts';

const RENEW_MS = 3_000;
const LIFE_SECONDS = 9;

export interface Lease {
  /** True only while this process surely holds the lease. */
  held(): boolean;
  epoch(): number;
  /** True when the database too says that this epoch is in force, and then until `db`'s transaction ends. */
  guard(db: Executor): Promise<boolean>;
  stop(): Promise<void>;
}

/** Takes or renews the lease; returns its epoch, or undefined while another holds it. */
export async function takeLease(
  db: Executor,
  name: string,
  holder: string,
): Promise<number | undefined> {
  const { rows } = await sql<{ epoch: number }>`
    INSERT INTO leases AS l (name, holder, epoch, expires_at)
    VALUES (${name}, ${holder}, 1, now() + make_interval(secs => ${LIFE_SECONDS}))
    ON CONFLICT (name) DO UPDATE SET
      holder = excluded.holder,
      epoch = CASE WHEN l.holder = excluded.holder THEN l.epoch ELSE l.epoch + 1 END,
      expires_at = excluded.expires_at
    WHERE l.holder = excluded.holder OR l.expires_at < now()
    RETURNING epoch`.execute(db);
  return rows[0]?.epoch;
}

/** Keeps trying for the lease; `onChange` hears when it is won or lost. */
export function holdLease(options: {
  database: Database;
  name: string;
  holder: string;
  logger: Logger;
  onChange?: (held: boolean) => void;
}): Lease {
  const { database, name, holder, logger, onChange } = options;
  let epoch = 0;
  let sureUntil = 0;
  const held = () => performance.now() < sureUntil;
  const loop = startLoop({
    name: `lease ${name}`,
    intervalMs: RENEW_MS,
    logger,
    task: async () => {
      const before = held();
      const asked = performance.now();
      const won = await takeLease(database.pool, name, holder);
      sureUntil = won === undefined ? 0 : asked + (LIFE_SECONDS - 1) * 1_000;
      if (won !== undefined) epoch = won;
      if (before !== held()) {
        logger.info({ lease: name, held: held(), epoch }, 'lease changed');
        onChange?.(held());
      }
    },
  });
  return {
    held,
    epoch: () => epoch,
    guard: async (db) => {
      const { rows } = await sql`
        SELECT FROM leases WHERE name = ${name} AND holder = ${holder} AND epoch = ${epoch}
          AND expires_at > clock_timestamp() FOR SHARE`.execute(db);
      return rows.length === 1;
    },
    stop: async () => {
      await loop.stop();
      if (!held()) return;
      sureUntil = 0;
      try {
        // The row stays, so that the next holder's epoch is a higher one.
        await database.pool
          .updateTable('leases')
          .set({ expires_at: sql<Date>`now() - interval '1 second'` })
          .where('name', '=', name)
          .where('holder', '=', holder)
          .execute();
      } catch (error) {
        logger.warn({ lease: name, err: messageOf(error) }, 'could not release, it will expire');
      }
    },
  };
}
