/** All SQL of the agents of jobs: their turns, their outcomes, and what is known of them now. */
import type { Condition, JobOutcome } from '@opmas/protocol';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import type { Before, JobAgentRow } from './job.ts';
import type { Facts } from './verdict.ts';
import type { Candidate } from './waves.ts';

/** Of these agents, what their turn depends on; removed ones too. */
export async function candidates(
  db: Executor,
  agentIds: readonly string[],
): Promise<(Candidate & { name: string; tags: string[] })[]> {
  const { rows } = await sql<
    Omit<Candidate, 'conditions'> & { name: string; tags: string[]; conditions: Condition[] }
  >`
    SELECT id, name, type, status, desired, tags, conditions FROM agents
    WHERE id = ANY(${[...agentIds]}::text[]) ORDER BY id`.execute(db);
  return rows.map((row) => ({ ...row, conditions: row.conditions.map(({ type }) => type) }));
}

/** Every agent that is not removed, as selectors look at them. */
export async function selectable(
  db: Executor,
): Promise<{ id: string; name: string; type: string; tags: string[] }[]> {
  return db
    .selectFrom('agents')
    .select(['id', 'name', 'type', 'tags'])
    .where('status', '<>', 'removed')
    .orderBy('id')
    .execute();
}

export async function insertAgents(
  db: Executor,
  jobId: string,
  agents: readonly { agent_id: string; wave: number; place: number }[],
): Promise<void> {
  await sql`
    INSERT INTO job_agents (job_id, agent_id, wave, place, outcome)
    SELECT ${jobId}, agent_id, wave, place, 'pending'
    FROM unnest(${agents.map(({ agent_id }) => agent_id)}::text[],
                ${agents.map(({ wave }) => wave)}::int[],
                ${agents.map(({ place }) => place)}::int[]) AS t (agent_id, wave, place)
    ON CONFLICT DO NOTHING`.execute(db);
}

export async function agentIdsOf(db: Executor, jobId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('job_agents')
    .select('agent_id')
    .where('job_id', '=', jobId)
    .orderBy('agent_id')
    .execute();
  return rows.map(({ agent_id }) => agent_id);
}

/** Agents of a job by wave and outcome, in the order of their turns. */
export async function agentsOf(
  db: Executor,
  jobId: string,
  filter: { upTo?: number; wave?: number; outcomes?: readonly JobOutcome[] },
): Promise<JobAgentRow[]> {
  let query = db
    .selectFrom('job_agents')
    .selectAll()
    .where('job_id', '=', jobId)
    .orderBy('place')
    .orderBy('agent_id');
  if (filter.wave !== undefined) query = query.where('wave', '=', filter.wave);
  if (filter.upTo !== undefined) query = query.where('wave', '<=', filter.upTo);
  if (filter.outcomes !== undefined) query = query.where('outcome', 'in', [...filter.outcomes]);
  return (await query.execute()) as unknown as JobAgentRow[];
}

/** By wave and turn; `after` is the (wave, place) of the last row seen. */
export async function pageOfAgents(
  db: Executor,
  jobId: string,
  filter: { outcome?: string },
  limit: number,
  after?: readonly [string, string],
): Promise<(JobAgentRow & { name: string })[]> {
  const { outcome = null } = filter;
  const [wave = null, place = null] = after ?? [];
  const { rows } = await sql<JobAgentRow & { name: string }>`
    SELECT ja.*, a.name FROM job_agents ja JOIN agents a ON a.id = ja.agent_id
    WHERE ja.job_id = ${jobId} AND (${outcome}::text IS NULL OR ja.outcome = ${outcome})
      AND (${wave}::int IS NULL OR (ja.wave, ja.place) > (${wave}::int, ${place}::int))
    ORDER BY ja.wave, ja.place LIMIT ${limit}`.execute(db);
  return rows;
}

export interface OutcomeChange {
  agent_id: string;
  outcome: JobOutcome;
  reason: string | null;
  failed_wave: number | null;
}

/** Writes outcomes; the time is that of the first one. */
export async function recordOutcomes(
  db: Executor,
  jobId: string,
  changes: readonly OutcomeChange[],
  at: Date,
): Promise<void> {
  if (changes.length === 0) return;
  await sql`
    UPDATE job_agents a SET outcome = c.outcome, reason = c.reason, ended_at = ${at},
      failed_wave = coalesce(a.failed_wave, c.failed_wave)
    FROM unnest(${changes.map((c) => c.agent_id)}::text[], ${changes.map((c) => c.outcome)}::text[],
                ${changes.map((c) => c.reason)}::text[], ${changes.map((c) => c.failed_wave)}::int[])
      AS c (agent_id, outcome, reason, failed_wave)
    WHERE a.job_id = ${jobId} AND a.agent_id = c.agent_id`.execute(db);
}

/** Their turn has come. */
export async function startAgents(
  db: Executor,
  jobId: string,
  agents: readonly { agent_id: string; before: Before; action_id?: string }[],
  at: Date,
): Promise<void> {
  if (agents.length === 0) return;
  await sql`
    UPDATE job_agents a SET outcome = 'running', before = s.before, action_id = s.action_id,
      started_at = ${at}, reason = NULL
    FROM unnest(${agents.map((s) => s.agent_id)}::text[],
                ${agents.map((s) => JSON.stringify(s.before))}::jsonb[],
                ${agents.map((s) => s.action_id ?? null)}::uuid[]) AS s (agent_id, before, action_id)
    WHERE a.job_id = ${jobId} AND a.agent_id = s.agent_id`.execute(db);
}

/** Brings an agent's turn forward. */
export async function moveToWave(
  db: Executor,
  jobId: string,
  agentId: string,
  wave: number,
): Promise<void> {
  await db
    .updateTable('job_agents')
    .set({ wave })
    .where('job_id', '=', jobId)
    .where('agent_id', '=', agentId)
    .execute();
}

/** Whoever has not had a turn yet will not have one. */
export async function skipPending(
  db: Executor,
  jobId: string,
  reason: string,
  at: Date,
): Promise<void> {
  await db
    .updateTable('job_agents')
    .set({ outcome: 'skipped', reason, ended_at: at })
    .where('job_id', '=', jobId)
    .where('outcome', '=', 'pending')
    .execute();
}

/** Names and reasons of those who failed while this wave was in progress. */
export async function failuresIn(
  db: Executor,
  jobId: string,
  wave: number,
): Promise<{ name: string; reason: string | null }[]> {
  const { rows } = await sql<{ name: string; reason: string | null }>`
    SELECT a.name, ja.reason FROM job_agents ja JOIN agents a ON a.id = ja.agent_id
    WHERE ja.job_id = ${jobId} AND ja.failed_wave = ${wave} AND ja.outcome IN ('failed', 'expired')
    ORDER BY ja.place`.execute(db);
  return rows;
}

/** Those who failed while this wave was in progress count no more; their outcomes stay. */
export async function acceptFailures(db: Executor, jobId: string, wave: number): Promise<void> {
  await db
    .updateTable('job_agents')
    .set({ failed_wave: null })
    .where('job_id', '=', jobId)
    .where('failed_wave', '=', wave)
    .execute();
}

interface FactsRow extends Omit<Facts, 'delivery' | 'action' | 'isElsewhere'> {
  package_path: string | null;
  action_state: string | null;
  action_reason: string | null;
}

/** What is known of these agents now, and of the actions they were sent; without their deliveries. */
export async function factsOf(
  db: Executor,
  agents: readonly { agent_id: string; action_id: string | null }[],
): Promise<Map<string, Omit<Facts, 'delivery'>>> {
  const { rows } = await sql<FactsRow>`
    SELECT a.id, a.name, a.type, a.status, a.desired, a.reason, a.conditions, a.restarts,
           a.config_hash, a.package_path, l.instance_id,
           x.state AS action_state, x.reason AS action_reason
    FROM unnest(${agents.map(({ agent_id }) => agent_id)}::text[],
                ${agents.map(({ action_id }) => action_id)}::uuid[]) AS w (agent_id, action_id)
    JOIN agents a ON a.id = w.agent_id
    LEFT JOIN agent_liveness l ON l.agent_id = a.id
    LEFT JOIN actions x ON x.action_id = w.action_id`.execute(db);
  return new Map(
    rows.map(({ package_path, action_state, action_reason, ...row }) => [
      row.id,
      {
        ...row,
        isElsewhere: package_path === null,
        action: action_state === null ? undefined : { state: action_state, reason: action_reason },
      },
    ]),
  );
}

/** The job has ended: whoever was waiting waits no more. */
export async function closeOpen(db: Executor, jobId: string, at: Date): Promise<void> {
  await sql`
    UPDATE job_agents SET ended_at = ${at},
      reason = CASE WHEN outcome = 'pending' THEN 'The job ended before its turn came'
                    ELSE 'The job ended before its outcome was known' END,
      outcome = CASE WHEN outcome = 'pending' THEN 'skipped' ELSE 'expired' END
    WHERE job_id = ${jobId} AND outcome IN ('pending', 'running')`.execute(db);
}
