/** What others must hear: rows written in the transaction of the change, published after its commit. */
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';

export interface OutboxRow {
  id: number;
  kind: string;
  data: object;
  created_at: Date;
}

/** Adds one message in the caller's transaction. */
export async function addToOutbox(db: Executor, kind: string, data: object): Promise<void> {
  await db
    .insertInto('outbox')
    .values({ kind, data: JSON.stringify(data) })
    .execute();
}

/** The oldest messages not yet published. */
export async function pendingMessages(db: Executor, limit: number): Promise<OutboxRow[]> {
  return db.selectFrom('outbox').selectAll().orderBy('id').limit(limit).execute();
}

export async function removeMessages(db: Executor, ids: readonly number[]): Promise<void> {
  await sql`DELETE FROM outbox WHERE id = ANY(${ids}::bigint[])`.execute(db);
}
