/** All SQL of drafts. Secrets that came with one lie among those of its layer, marked as the draft's. */
import type { ConfigLayer } from '@opmas/protocol';
import type { Reach } from '../../kernel/grants.ts';
import { agentWithinReach } from '../../kernel/reach-sql.ts';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import type { DraftScope, ScopeRef } from './scopes.ts';

/** Whoever adds a draft counts alone. */
const COUNTING = 7_431;

export interface DraftRow {
  draft_id: string;
  scope: DraftScope;
  scope_id: string;
  /** As it is stored: with ids in the place of secrets. */
  document: ConfigLayer;
  base_version: number;
  version: number;
  reason: string | null;
  author: string;
  updated_by: string;
  created_at: Date;
  updated_at: Date;
  /** The job that rolls it out: until that has ended nobody else changes it. */
  job_id: string | null;
  /** The job that it came back from, and why. */
  returned_by: string | null;
  returned_reason: string | null;
}

/** A draft without its document, and the version of its layer that is in force. */
export interface ListedDraft extends Omit<DraftRow, 'document'> {
  head_version: number;
}

/** How many there are, and of this scope; until the transaction ends nobody else adds one. */
export async function lockCount(
  db: Executor,
  { scope, scope_id }: ScopeRef,
): Promise<{ all: number; ofScope: number }> {
  await sql`SELECT pg_advisory_xact_lock(${COUNTING})`.execute(db);
  const { rows } = await sql<{ all: number; ofScope: number }>`
    SELECT count(*)::int AS all,
           (count(*) FILTER (WHERE scope = ${scope} AND scope_id = ${scope_id}))::int AS "ofScope"
    FROM config_drafts`.execute(db);
  return rows[0] ?? { all: 0, ofScope: 0 };
}

export async function insertDraft(db: Executor, row: DraftRow): Promise<void> {
  await db
    .insertInto('config_drafts')
    .values({ ...row, document: JSON.stringify(row.document) })
    .execute();
}

export async function draftById(db: Executor, id: string): Promise<DraftRow | undefined> {
  const query = db.selectFrom('config_drafts').selectAll().where('draft_id', '=', id);
  return (await query.executeTakeFirst()) as DraftRow | undefined;
}

/** Until the transaction ends nobody else changes it. After the lock of its layer, never before. */
export async function lockDraft(db: Executor, id: string): Promise<DraftRow | undefined> {
  const query = db.selectFrom('config_drafts').selectAll().where('draft_id', '=', id).forUpdate();
  return (await query.executeTakeFirst()) as DraftRow | undefined;
}

export type DraftChange = Pick<
  DraftRow,
  | 'document'
  | 'base_version'
  | 'version'
  | 'reason'
  | 'updated_by'
  | 'updated_at'
  | 'returned_by'
  | 'returned_reason'
>;

export async function updateDraft(db: Executor, id: string, change: DraftChange): Promise<void> {
  await db
    .updateTable('config_drafts')
    .set({ ...change, document: JSON.stringify(change.document) })
    .where('draft_id', '=', id)
    .execute();
}

/** It is the job's from now on. */
export async function giveToJob(db: Executor, id: string, jobId: string): Promise<void> {
  await db
    .updateTable('config_drafts')
    .set({ job_id: jobId, returned_by: null, returned_reason: null })
    .where('draft_id', '=', id)
    .execute();
}

/** The draft that a job has taken over; locked for the rest of the transaction. */
export async function lockDraftOfJob(db: Executor, jobId: string): Promise<DraftRow | undefined> {
  const query = db.selectFrom('config_drafts').selectAll().where('job_id', '=', jobId).forUpdate();
  return (await query.executeTakeFirst()) as DraftRow | undefined;
}

/** It is nobody's again, on another version of its layer. */
export async function returnDraft(
  db: Executor,
  id: string,
  set: Pick<
    DraftRow,
    'base_version' | 'version' | 'updated_by' | 'updated_at' | 'returned_by' | 'returned_reason'
  >,
): Promise<void> {
  await db
    .updateTable('config_drafts')
    .set({ ...set, job_id: null })
    .where('draft_id', '=', id)
    .execute();
}

/** Drafts that nobody has changed since. */
export async function oldDrafts(db: Executor, before: Date, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('config_drafts')
    .select('draft_id')
    .where('updated_at', '<', before)
    .where('job_id', 'is', null)
    .orderBy('updated_at')
    .limit(limit)
    .execute();
  return rows.map(({ draft_id }) => draft_id);
}

export interface DraftFilter {
  reach: Reach;
  scope?: DraftScope | undefined;
  scope_id?: string | undefined;
}

/** Changed last first; `after` is the (updated_at, id) of the last row seen. */
export async function listDrafts(
  db: Executor,
  filter: DraftFilter,
  limit: number,
  after?: readonly [string, string],
): Promise<ListedDraft[]> {
  const { reach, scope = null, scope_id = null } = filter;
  const [at = null, id = null] = after ?? [];
  // Who reaches some agents reads the layers of those, and none that many share.
  const readable =
    reach === 'all'
      ? sql`true`
      : sql`d.scope = 'agent' AND ${agentWithinReach(reach, 'd.scope_id')}`;
  const { rows } = await sql<ListedDraft>`
    SELECT d.draft_id, d.scope, d.scope_id, d.base_version, d.version, d.reason, d.author,
           d.updated_by, d.created_at, d.updated_at, d.job_id, d.returned_by, d.returned_reason,
           coalesce(h.version, 0) AS head_version
    FROM config_drafts d LEFT JOIN config_heads h USING (scope, scope_id)
    WHERE ${readable}
      AND (${scope}::text IS NULL OR d.scope = ${scope})
      AND (${scope_id}::text IS NULL OR d.scope_id = ${scope_id})
      AND (${at}::timestamptz IS NULL OR (d.updated_at, d.draft_id) < (${at}::timestamptz, ${id}::uuid))
    ORDER BY d.updated_at DESC, d.draft_id DESC LIMIT ${limit}`.execute(db);
  return rows;
}

/** Of the draft's own secrets those that its document names no longer. */
export async function dropUnnamedSecrets(
  db: Executor,
  id: string,
  named: readonly string[],
): Promise<void> {
  await sql`
    DELETE FROM config_secrets
    WHERE draft_id = ${id} AND NOT (secret_id = ANY(${[...named]}::text[]))`.execute(db);
}

/** They are the layer's from now on, and outlive the draft. */
export async function handSecretsOver(db: Executor, id: string): Promise<void> {
  await db
    .updateTable('config_secrets')
    .set({ draft_id: null })
    .where('draft_id', '=', id)
    .execute();
}
