/** SQL of what has become of drafts: for a while after their end, for whoever comes a moment too late. */
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import type { DraftScope, ScopeRef } from './scopes.ts';

/** `dropped`: its group was deleted. */
export type DraftFate = 'published' | 'rolled_out' | 'discarded' | 'expired' | 'dropped';

export interface DraftEnd {
  draft_id: string;
  scope: DraftScope;
  scope_id: string;
  fate: DraftFate;
  /** Of its layer, which says what the draft said. */
  version: number | null;
  /** The job that has rolled it out. */
  job_id: string | null;
  ended_by: string;
  ended_at: Date;
}

export type EndOf = Omit<DraftEnd, 'draft_id' | 'scope' | 'scope_id'>;

/** Takes the draft away, with the secrets that are its own. */
export const endDraft = (db: Executor, id: string, end: EndOf): Promise<void> =>
  take(db, sql`draft_id = ${id}`, end);

/** The same of all that a scope has. */
export const endDraftsOf = (db: Executor, { scope, scope_id }: ScopeRef, end: EndOf) =>
  take(db, sql`scope = ${scope} AND scope_id = ${scope_id}`, end);

async function take(db: Executor, which: ReturnType<typeof sql>, end: EndOf): Promise<void> {
  const { fate, version, job_id, ended_by, ended_at } = end;
  await sql`
    WITH gone AS (DELETE FROM config_drafts WHERE ${which} RETURNING draft_id, scope, scope_id)
    INSERT INTO config_draft_ends
      (draft_id, scope, scope_id, fate, version, job_id, ended_by, ended_at)
    SELECT draft_id, scope, scope_id, ${fate}, ${version}::bigint, ${job_id}::uuid, ${ended_by},
           ${ended_at}::timestamptz
    FROM gone`.execute(db);
}

export async function draftEnd(db: Executor, id: string): Promise<DraftEnd | undefined> {
  const query = db.selectFrom('config_draft_ends').selectAll().where('draft_id', '=', id);
  return (await query.executeTakeFirst()) as DraftEnd | undefined;
}

/** Those of before are not told any more. */
export async function forgetEnds(db: Executor, before: Date): Promise<void> {
  await db.deleteFrom('config_draft_ends').where('ended_at', '<', before).execute();
}
