/** SQL of the audit log's rows: they are only ever added. */
import type { AuditRow, PersonalPart } from '@opmas/keyring';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';

/** Ids no other process gets. They are spent whether or not the transaction commits. */
export async function reserveIds(db: Executor, count: number): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT nextval(pg_get_serial_sequence('audit_log', 'id')) AS id
    FROM generate_series(1, ${count})`.execute(db);
  return rows.map(({ id }) => id);
}

/** The row, who it tells of, and its place in the queue of the chain: one statement. */
export async function insertRow(
  db: Executor,
  row: AuditRow,
  parts: readonly PersonalPart[],
): Promise<void> {
  await sql`
    WITH log AS (
      INSERT INTO audit_log (id, at, actor_kind, actor, actor_id, action, object, outcome, details,
        before, after, request_id, personal, key_id, hmac)
      VALUES (${row.id}, ${row.at}::timestamptz, ${row.actor_kind}, ${row.actor}, ${row.actor_id},
        ${row.action}, ${row.object}, ${row.outcome}, ${json(row.details)}::jsonb,
        ${json(row.before)}::jsonb, ${json(row.after)}::jsonb, ${row.request_id},
        ${row.personal}::text[], ${row.key_id}, ${row.hmac})
    ), parts AS (
      INSERT INTO audit_personal (audit_id, part, person_id, name, remote, user_agent, salt)
      SELECT ${row.id}::bigint, p.part, p.person_id, p.name, p.remote, p.user_agent, p.salt
      FROM jsonb_to_recordset(${JSON.stringify(parts)}::jsonb) AS p (part smallint, person_id text,
        name text, remote text, user_agent text, salt text)
    )
    INSERT INTO audit_unsealed (audit_id) VALUES (${row.id})`.execute(db);
}

function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/** `l.at` as it is sealed. */
export const AT = sql`to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export interface AuditFilter {
  actor?: string;
  action?: string;
  object?: string;
  outcome?: string;
  from?: string;
  to?: string;
  q?: string;
}

export interface ListedRow {
  id: number;
  seq: number | null;
  /** RFC 3339, UTC, microseconds. */
  at: string;
  actor_kind: string;
  actor: string | null;
  actor_id: string | null;
  action: string;
  object: string | null;
  outcome: string;
  details: Record<string, unknown>;
  before: unknown;
  after: unknown;
  request_id: string | null;
  personal: string[];
  parts: PersonalPart[];
}

/** Newest first. @param after time and id of the last row before */
export async function listRows(
  db: Executor,
  filter: AuditFilter,
  limit: number,
  after: readonly [string, string] | undefined,
): Promise<ListedRow[]> {
  const conditions = [sql`true`];
  const add = (condition: ReturnType<typeof sql>) => void conditions.push(condition);
  const { actor, action, object, outcome, from, to, q } = filter;
  if (actor !== undefined) {
    add(sql`(l.actor = ${actor} OR l.actor_id = ${actor} OR l.id IN (
      SELECT audit_id FROM audit_personal
      WHERE part = 0 AND (person_id = ${actor} OR lower(name) = lower(${actor}))))`);
  }
  // `users.*` or `users.` are all of users.
  if (action !== undefined) {
    const prefix = /^(.*\.)\*?$/.exec(action)?.[1];
    add(prefix === undefined ? sql`l.action = ${action}` : sql`starts_with(l.action, ${prefix})`);
  }
  if (object !== undefined) {
    add(sql`(l.object = ${object} OR (l.object LIKE '$person%' AND EXISTS (
      SELECT FROM audit_personal AS p WHERE p.audit_id = l.id
        AND (p.person_id = ${object} OR lower(p.name) = lower(${object}))
        AND l.object IN ('$person:' || p.part, '$person_id:' || p.part))))`);
  }
  if (outcome !== undefined) add(sql`l.outcome = ${outcome}`);
  if (from !== undefined) add(sql`l.at >= ${from}::timestamptz`);
  if (to !== undefined) add(sql`l.at <= ${to}::timestamptz`);
  if (q !== undefined) {
    const like = `%${q.replaceAll(/[\\%_]/g, '\\$&')}%`;
    add(sql`(l.action ILIKE ${like} OR l.object ILIKE ${like} OR l.actor ILIKE ${like}
      OR l.details::text ILIKE ${like} OR l.before::text ILIKE ${like} OR l.after::text ILIKE ${like}
      OR EXISTS (SELECT FROM audit_personal AS p WHERE p.audit_id = l.id
        AND (p.name ILIKE ${like} OR p.remote ILIKE ${like} OR p.user_agent ILIKE ${like})))`);
  }
  if (after !== undefined) add(sql`(l.at, l.id) < (${after[0]}::timestamptz, ${after[1]}::bigint)`);
  const { rows } = await sql<ListedRow>`
    SELECT l.id, c.seq, ${AT} AS at, l.actor_kind, l.actor, l.actor_id, l.action, l.object, l.outcome,
      l.details, l.before, l.after, l.request_id, l.personal,
      coalesce((SELECT jsonb_agg(to_jsonb(p) - 'audit_id' ORDER BY p.part)
        FROM audit_personal AS p WHERE p.audit_id = l.id), '[]') AS parts
    FROM audit_log AS l LEFT JOIN audit_chain AS c ON c.audit_id = l.id AND c.seq > 0
    WHERE ${sql.join(conditions, sql` AND `)}
    ORDER BY l.at DESC, l.id DESC LIMIT ${limit}`.execute(db);
  return rows;
}
