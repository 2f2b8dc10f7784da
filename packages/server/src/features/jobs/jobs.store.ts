/** All SQL of jobs and their waves. */
import type { JobGateReading, JobOutcome } from '@opmas/protocol';
import type { Reach } from '../../kernel/grants.ts';
import { withinReach } from '../../kernel/reach-sql.ts';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import type { JobRow, WaveRow, WaveView } from './job.ts';

export async function insertJob(db: Executor, job: JobRow): Promise<void> {
  await db
    .insertInto('jobs')
    .values({
      ...job,
      plan: JSON.stringify(job.plan),
      arguments: job.arguments === null ? null : JSON.stringify(job.arguments),
      created_by: JSON.stringify(job.created_by),
    })
    .execute();
}

export async function insertWaves(
  db: Executor,
  jobId: string,
  sizes: readonly string[],
): Promise<void> {
  await sql`
    INSERT INTO job_waves (job_id, wave, size, state)
    SELECT ${jobId}, place, size, 'pending'
    FROM unnest(${[...sizes]}::text[]) WITH ORDINALITY AS t (size, place)`.execute(db);
}

/** Locks the job for the rest of the transaction: whoever moves it holds this. */
export async function lockJob(db: Executor, jobId: string): Promise<JobRow | undefined> {
  const row = await db
    .selectFrom('jobs')
    .selectAll()
    .where('job_id', '=', jobId)
    .forUpdate()
    .executeTakeFirst();
  return row as unknown as JobRow | undefined;
}

/** A job is within reach when every agent of it is: its counts and reasons tell of all of them. */
function jobWithinReach(reach: Reach) {
  if (reach === 'all') return sql<boolean>`true`;
  return sql<boolean>`NOT EXISTS (
    SELECT FROM job_agents ja JOIN agents a ON a.id = ja.agent_id
    WHERE ja.job_id = j.job_id AND NOT ${withinReach(reach, 'a')})`;
}

/** Undefined also when an agent of it is out of reach. */
export async function jobById(
  db: Executor,
  jobId: string,
  reach: Reach,
): Promise<JobRow | undefined> {
  const { rows } = await sql<JobRow>`
    SELECT j.* FROM jobs j WHERE j.job_id = ${jobId} AND ${jobWithinReach(reach)}`.execute(db);
  return rows[0];
}

export interface JobFilter {
  state?: string;
  kind?: string;
}

/** Newest first; `after` is the (created_at, job_id) of the last row seen. */
export async function listJobs(
  db: Executor,
  filter: JobFilter & { reach: Reach },
  limit: number,
  after?: readonly [string, string],
): Promise<JobRow[]> {
  const { state = null, kind = null } = filter;
  const [at = null, id = null] = after ?? [];
  const { rows } = await sql<JobRow>`
    SELECT j.* FROM jobs j
    WHERE (${state}::text IS NULL OR j.state = ${state})
      AND (${kind}::text IS NULL OR j.kind = ${kind})
      AND (${at}::timestamptz IS NULL OR (j.created_at, j.job_id) < (${at}::timestamptz, ${id}::uuid))
      AND ${jobWithinReach(filter.reach)}
    ORDER BY j.created_at DESC, j.job_id DESC LIMIT ${limit}`.execute(db);
  return rows;
}

/** The oldest first. */
export async function openJobs(db: Executor): Promise<string[]> {
  const rows = await db
    .selectFrom('jobs')
    .select('job_id')
    .where('ended_at', 'is', null)
    .orderBy('created_at')
    .execute();
  return rows.map(({ job_id }) => job_id);
}

export type JobChange = Partial<
  Pick<
    JobRow,
    | 'state'
    | 'reason'
    | 'deadline'
    | 'wave'
    | 'ends_as'
    | 'ends_reason'
    | 'back_version'
    | 'started_at'
    | 'paused_at'
    | 'ended_at'
  >
>;

export async function updateJob(db: Executor, jobId: string, set: JobChange): Promise<void> {
  await db.updateTable('jobs').set(set).where('job_id', '=', jobId).execute();
}

export async function wavesOf(
  db: Executor,
  jobIds: readonly string[],
): Promise<Map<string, WaveView[]>> {
  const { rows } = await sql<WaveView>`
    SELECT w.*, (SELECT count(*)::int FROM job_agents a
                 WHERE a.job_id = w.job_id AND a.wave = w.wave) AS agents
    FROM job_waves w WHERE w.job_id = ANY(${[...jobIds]}::uuid[]) ORDER BY w.wave`.execute(db);
  return Map.groupBy(rows, ({ job_id }) => job_id);
}

export async function waveOf(db: Executor, jobId: string, wave: number): Promise<WaveRow> {
  const row = await db
    .selectFrom('job_waves')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('wave', '=', wave)
    .executeTakeFirstOrThrow();
  return row as unknown as WaveRow;
}

export async function lastWave(db: Executor, jobId: string): Promise<number> {
  const row = await db
    .selectFrom('job_waves')
    .select(sql<number>`max(wave)`.as('last'))
    .where('job_id', '=', jobId)
    .executeTakeFirstOrThrow();
  return row.last;
}

export async function updateWave(
  db: Executor,
  jobId: string,
  wave: number,
  { gates, ...set }: Partial<Omit<WaveRow, 'job_id' | 'wave'>>,
): Promise<void> {
  await db
    .updateTable('job_waves')
    .set({ ...set, ...(gates === undefined ? {} : { gates: gatesText(gates) }) })
    .where('job_id', '=', jobId)
    .where('wave', '=', wave)
    .execute();
}

const gatesText = (gates: readonly JobGateReading[]): string => JSON.stringify(gates);

export async function countsOf(
  db: Executor,
  jobIds: readonly string[],
): Promise<Map<string, Partial<Record<JobOutcome, number>>>> {
  const { rows } = await sql<{ job_id: string; outcome: JobOutcome; n: number }>`
    SELECT job_id, outcome, count(*)::int AS n FROM job_agents
    WHERE job_id = ANY(${[...jobIds]}::uuid[]) GROUP BY job_id, outcome`.execute(db);
  const all = new Map<string, Partial<Record<JobOutcome, number>>>();
  for (const { job_id, outcome, n } of rows) {
    all.set(job_id, { ...all.get(job_id), [outcome]: n });
  }
  return all;
}

export async function countOpen(db: Executor): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT count(*)::int AS n FROM jobs WHERE ended_at IS NULL`.execute(db);
  return rows[0]?.n ?? 0;
}

/** Makes writers of new jobs wait for each other, so that there are never too many. */
export async function lockCreation(db: Executor): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${CREATION})`.execute(db);
}

const CREATION = 7_412;

/** Ended jobs that are old, and the oldest of too many. */
export async function trimJobs(db: Executor, before: Date, keep: number): Promise<void> {
  await sql`
    DELETE FROM jobs j USING (
      SELECT job_id, row_number() OVER (ORDER BY ended_at DESC) AS place
      FROM jobs WHERE ended_at IS NOT NULL
    ) p
    WHERE p.job_id = j.job_id AND (j.ended_at < ${before} OR p.place > ${keep})`.execute(db);
}
