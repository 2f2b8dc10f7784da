/** SQL of the chain over the audit log: the queue of rows that wait, links, checkpoints. */
import type {
  AuditRow,
  ChainEntry,
  ChainLink,
  ChainPoint,
  Checkpoint,
  PersonalPart,
} from '@opmas/keyring';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import { AT } from './audit.store.ts';

export interface Beginning {
  /** The hash the chain begins with. */
  hash: string;
  /** The last row that may be without a seal. */
  unsignedUpTo: number;
}

export async function beginning(db: Executor): Promise<Beginning> {
  const row = await db
    .selectFrom('audit_chain')
    .select(['hash', 'audit_id'])
    .where('seq', '=', 0)
    .executeTakeFirst();
  // Nothing the application may do removes it.
  if (row === undefined)
    throw new Error('the audit chain has no beginning: audit_chain was emptied');
  return { hash: row.hash, unsignedUpTo: row.audit_id };
}

/** The last link, or the beginning. */
export async function chainTail(db: Executor): Promise<ChainPoint> {
  const row = await db
    .selectFrom('audit_chain')
    .select(['seq', 'hash'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined)
    throw new Error('the audit chain has no beginning: audit_chain was emptied');
  return row;
}

/** The link at `seq`, or the beginning for 0. */
export async function chainPoint(db: Executor, seq: number): Promise<ChainPoint | undefined> {
  return db
    .selectFrom('audit_chain')
    .select(['seq', 'hash'])
    .where('seq', '=', seq)
    .executeTakeFirst();
}

export async function unsealedIds(db: Executor, limit: number): Promise<number[]> {
  const rows = await db
    .selectFrom('audit_unsealed')
    .select('audit_id')
    .orderBy('audit_id')
    .limit(limit)
    .execute();
  return rows.map(({ audit_id }) => audit_id);
}

export async function countUnsealed(db: Executor): Promise<number> {
  const { rows } = await sql<{ n: number }>`SELECT count(*) AS n FROM audit_unsealed`.execute(db);
  return rows[0]?.n ?? 0;
}

/** Rows as they are sealed, by id. */
export async function rowsById(
  db: Executor,
  ids: readonly number[],
): Promise<Map<number, AuditRow>> {
  const { rows } = await sql<AuditRow>`
    SELECT l.id, ${AT} AS at, l.actor_kind, l.actor, l.actor_id, l.action, l.object, l.outcome,
      l.details, l.before, l.after, l.request_id, l.personal, l.key_id, l.hmac
    FROM audit_log AS l WHERE l.id = ANY (${ids}::bigint[])`.execute(db);
  return new Map(rows.map((row) => [row.id, row]));
}

export async function appendLinks(
  db: Executor,
  links: readonly ChainLink[],
  epoch: number,
): Promise<void> {
  await sql`
    INSERT INTO audit_chain (seq, audit_id, verdict, prev_hash, hash, epoch)
    SELECT l.seq, l.audit_id, l.verdict, l.prev_hash, l.hash, ${epoch}
    FROM jsonb_to_recordset(${JSON.stringify(links)}::jsonb)
      AS l (seq bigint, audit_id bigint, verdict text, prev_hash text, hash text)`.execute(db);
  await sql`DELETE FROM audit_unsealed WHERE audit_id = ANY (${links.map(({ audit_id }) => audit_id)}::bigint[])`.execute(
    db,
  );
}

/** Links after `seq` with what they stand for, in their order. */
export async function entriesAfter(
  db: Executor,
  seq: number,
  limit: number,
): Promise<ChainEntry[]> {
  const links = (await db
    .selectFrom('audit_chain')
    .select(['seq', 'audit_id', 'verdict', 'prev_hash', 'hash'])
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(limit)
    .execute()) as ChainLink[];
  const ids = links.map(({ audit_id }) => audit_id);
  const rows = await rowsById(db, ids);
  const personal = await db
    .selectFrom('audit_personal')
    .selectAll()
    .where('audit_id', 'in', ids.length === 0 ? [0] : ids)
    .orderBy('part')
    .execute();
  // An erasure counts only when the log itself says that it was.
  const { rows: erased } = await sql<{ audit_id: number; part: number }>`
    SELECT e.audit_id, e.part FROM audit_erased AS e WHERE e.audit_id = ANY (${ids}::bigint[])
      AND EXISTS (SELECT FROM audit_log AS l WHERE l.action = 'audit.erase'
        AND l.details ->> 'erasure_id' = e.erasure_id::text)`.execute(db);
  const parts = Map.groupBy(personal, ({ audit_id }) => audit_id);
  const gone = Map.groupBy(erased, ({ audit_id }) => audit_id);
  return links.map((link) => ({
    link,
    row: rows.get(link.audit_id),
    personal: (parts.get(link.audit_id) ?? []).map(
      ({ part, person_id, name, remote, user_agent, salt }): PersonalPart => ({
        part,
        person_id,
        name,
        remote,
        user_agent,
        salt,
      }),
    ),
    erased: (gone.get(link.audit_id) ?? []).map(({ part }) => part),
  }));
}

/** How many parts an erasure took. */
export async function erasedParts(db: Executor, erasureId: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT count(*) AS n FROM audit_erased WHERE erasure_id::text = ${erasureId}`.execute(db);
  return rows[0]?.n ?? 0;
}

/** A row that is neither chained nor waiting for it: it was put in past the server. */
export async function unchainedRow(db: Executor): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    SELECT l.id FROM audit_log AS l
      LEFT JOIN audit_chain AS c ON c.audit_id = l.id AND c.seq > 0
      LEFT JOIN audit_unsealed AS u ON u.audit_id = l.id
    WHERE c.seq IS NULL AND u.audit_id IS NULL ORDER BY l.id LIMIT 1`.execute(db);
  return rows[0]?.id;
}

export async function lastCheckpoint(db: Executor): Promise<Checkpoint | undefined> {
  return db
    .selectFrom('audit_checkpoints')
    .selectAll()
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function insertCheckpoint(db: Executor, checkpoint: Checkpoint): Promise<void> {
  await db
    .insertInto('audit_checkpoints')
    .values(checkpoint)
    .onConflict((conflict) => conflict.column('seq').doNothing())
    .execute();
}

/** Those after `from`, up to `to`. */
export async function checkpointsBetween(
  db: Executor,
  from: number,
  to: number,
): Promise<Checkpoint[]> {
  return db
    .selectFrom('audit_checkpoints')
    .selectAll()
    .where('seq', '>=', from)
    .where('seq', '<=', to)
    .orderBy('seq')
    .execute();
}

/** The links of rows of this time, as the links before the first and at the last of them. */
export async function linksOf(
  db: Executor,
  { from, to }: { from?: string; to?: string },
): Promise<{ before: number; last: number }> {
  if (from === undefined && to === undefined) return { before: 0, last: (await chainTail(db)).seq };
  const { rows } = await sql<{ first: number | null; last: number | null }>`
    SELECT min(c.seq) AS first, max(c.seq) AS last
    FROM audit_chain AS c JOIN audit_log AS l ON l.id = c.audit_id
    WHERE c.seq > 0
      AND (${from ?? null}::timestamptz IS NULL OR l.at >= ${from ?? null}::timestamptz)
      AND (${to ?? null}::timestamptz IS NULL OR l.at <= ${to ?? null}::timestamptz)`.execute(db);
  const { first, last } = rows[0] ?? {};
  return { before: (first ?? 1) - 1, last: last ?? 0 };
}

/** Everybody who is meant by an id or a name: ids with that name, and names with those ids. */
export async function personsMeant(
  db: Executor,
  actor: string,
): Promise<{ ids: string[]; names: string[] }> {
  const { rows } = await sql<{ ids: string[]; names: string[] }>`
    WITH ids AS (
      SELECT DISTINCT person_id FROM audit_personal
      WHERE person_id IS NOT NULL AND (person_id = ${actor} OR lower(name) = lower(${actor}))
    ), names AS (
      SELECT DISTINCT lower(name) AS name FROM audit_personal
      WHERE name IS NOT NULL AND (person_id IN (SELECT person_id FROM ids)
        OR lower(name) = lower(${actor}))
    )
    SELECT coalesce((SELECT array_agg(person_id) FROM ids), '{}') AS ids,
      coalesce((SELECT array_agg(name) FROM names), '{}') AS names`.execute(db);
  return rows[0] ?? { ids: [], names: [] };
}

/** Deletes at most `batch` parts; 0 when none is left. */
export async function eraseParts(
  db: Executor,
  { ids, names }: { ids: readonly string[]; names: readonly string[] },
  erasureId: string,
  batch: number,
): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT erase_audit_parts(${ids}::text[], ${names}::text[], ${erasureId}::uuid, ${batch}) AS n`.execute(
    db,
  );
  return rows[0]?.n ?? 0;
}
