/** All SQL of the key chain, and of rewrapping whatever is sealed. */
import { sql } from '../../kernel/sql.ts';
import type { Executor, SealedColumn } from '../../platform/ports.ts';

/** Shared by who seals, exclusive to who adds or drops a master key. */
const ROTATION_LOCK = 7_405;
const CHAIN_LOCK = 7_406;

export interface KeyRow {
  name: string;
  id: string;
  sealed: string;
  created_at: Date;
}

/** Until the transaction ends no master key is added or dropped. */
export async function lockAgainstRotation(db: Executor): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock_shared(${ROTATION_LOCK}::bigint)`.execute(db);
}

/** Until the transaction ends nothing is sealed; what was sealed before is committed. */
export async function lockForRotation(db: Executor): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${ROTATION_LOCK}::bigint)`.execute(db);
}

/** Until the transaction ends nobody else changes the chain. */
export async function lockChain(db: Executor): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${CHAIN_LOCK}::bigint)`.execute(db);
}

export async function chainRows(db: Executor, names: readonly string[]): Promise<KeyRow[]> {
  return db
    .selectFrom('key_chain')
    .selectAll()
    .where('name', 'in', [...names])
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute();
}

export async function addKey(db: Executor, row: KeyRow): Promise<void> {
  await db.insertInto('key_chain').values(row).execute();
}

export async function deleteKeys(
  db: Executor,
  name: string,
  ids: readonly string[],
): Promise<void> {
  await db
    .deleteFrom('key_chain')
    .where('name', '=', name)
    .where('id', 'in', [...ids])
    .execute();
}

/** Is anything sealed at all? Then a missing master key is lost, not new. */
export async function holdsSecrets(db: Executor): Promise<boolean> {
  const row = await db.selectFrom('key_chain').select('id').limit(1).executeTakeFirst();
  return row !== undefined;
}

/** How many values are sealed under which prefix. */
export async function countByPrefix(
  db: Executor,
  { table, column }: SealedColumn,
): Promise<{ prefix: string; count: number }[]> {
  const sealed = sql.ref(column);
  const { rows } = await sql<{ prefix: string; count: number }>`
    SELECT left(${sealed}, 12) AS prefix, count(*) AS count FROM ${sql.table(table)}
    WHERE ${sealed} IS NOT NULL GROUP BY 1`.execute(db);
  return rows;
}

export interface SealedRow {
  /** Where the row lies now; good until the transaction ends. */
  ctid: string;
  key: string[];
  sealed: string;
}

/** Before every row. */
export const FIRST_ROW = '(0,0)';

/** The next rows sealed under a prefix, locked. Rows another transaction holds are waited for, or left out. */
export async function lockSealedRows(
  db: Executor,
  { table, column, key }: SealedColumn,
  search: { prefix: string; after: string; limit: number; wait: boolean },
): Promise<SealedRow[]> {
  const { prefix, after, limit } = search;
  const lock = search.wait ? sql`FOR UPDATE` : sql`FOR UPDATE SKIP LOCKED`;
  const sealed = sql.ref(column);
  const keys = sql.join(key.map((name) => sql`${sql.ref(name)}::text`));
  const { rows } = await sql<SealedRow>`
    SELECT ctid::text AS ctid, ARRAY[${keys}] AS key, ${sealed} AS sealed FROM ${sql.table(table)}
    WHERE left(${sealed}, 12) = ${prefix} AND ctid > ${after}::tid
    ORDER BY ${sql.table(table)}.ctid LIMIT ${limit} ${lock}`.execute(db);
  return rows;
}

/** Replaces the sealed text of rows locked before. */
export async function writeSealedRows(
  db: Executor,
  { table, column }: SealedColumn,
  rows: readonly { ctid: string; sealed: string }[],
): Promise<void> {
  const places = rows.map(({ ctid }) => ctid);
  const values = rows.map(({ sealed }) => sealed);
  await sql`
    UPDATE ${sql.table(table)} AS t SET ${sql.ref(column)} = u.sealed
    FROM unnest(${places}::tid[], ${values}::text[]) AS u (place, sealed)
    WHERE t.ctid = u.place`.execute(db);
}
