/** All SQL of deliveries: who shall run what, what instances say, what failed; in batches. */
import type { Condition, ConfigFault } from '@opmas/protocol';
import type { Reach } from '../../kernel/grants.ts';
import { withinReach } from '../../kernel/reach-sql.ts';
import { sql } from '../../kernel/sql.ts';
import { parseStorable } from '../../kernel/storable.ts';
import type { Executor } from '../../platform/ports.ts';
import type { Case, DeliveryRow, DeliveryState, InstanceWord } from './delivery.ts';
import { DEFAULT_INTERVAL_S, INSTANCES, type Word } from './reports.ts';

/** Failed hashes that are remembered of one agent. */
const FAILURES = 50;

/**
 * Makes the deliveries of agents whose effective configuration is another than the one they were last
 * offered. A hash that failed on the agent before is not offered to it.
 * @returns the agents
 */
export async function followDesired(db: Executor, at: Date, limit: number): Promise<string[]> {
  const { rows } = await sql<{ agent_id: string }>`
    INSERT INTO config_deliveries AS d
      (agent_id, desired_hash, state, since, settled_at, errors, topics)
    SELECT a.id, a.config_hash, CASE WHEN f.hash IS NULL THEN 'pending' ELSE 'rejected' END,
           ${at}, CASE WHEN f.hash IS NULL THEN NULL ELSE ${at}::timestamptz END,
           coalesce(f.errors, '[]'), a.subscribed_topics
    FROM agents a
    LEFT JOIN config_deliveries cur ON cur.agent_id = a.id
    LEFT JOIN config_failures f ON f.agent_id = a.id AND f.hash = a.config_hash
    WHERE a.config_hash IS NOT NULL AND a.status NOT IN ('discovered', 'removed')
      AND cur.desired_hash IS DISTINCT FROM a.config_hash
    LIMIT ${limit}
    ON CONFLICT (agent_id) DO UPDATE SET
      desired_hash = excluded.desired_hash, state = excluded.state, since = excluded.since,
      settled_at = excluded.settled_at, errors = excluded.errors, offered_at = NULL, deadline = NULL,
      sent_at = NULL, next_send_at = NULL, attempts = 0, expiries = 0, forced = false, left_behind = '[]'
    RETURNING agent_id`.execute(db);
  return rows.map((row) => row.agent_id);
}

/**
 * Writes what instances said, what they did not say stays; agents that are gone are left out. New instances of
 * an agent that has invented many wait until old ones are trimmed.
 */
export async function writeWords(db: Executor, given: readonly Word[]): Promise<void> {
  if (given.length === 0) return;
  // Every server writes words of the same instances: in one order, they wait for each other and nothing more.
  const keyOf = ({ agent_id, instance_id }: Word) => `${agent_id}\n${instance_id}`;
  const words = given.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  await sql`
    WITH w AS (
      SELECT * FROM unnest(
        ${words.map((w) => w.agent_id)}::text[], ${words.map((w) => w.instance_id)}::text[],
        ${words.map((w) => w.running_hash !== undefined)}::boolean[],
        ${words.map((w) => w.running_hash ?? null)}::text[],
        ${words.map((w) => w.attempted_hash !== undefined)}::boolean[],
        ${words.map((w) => w.attempted_hash ?? null)}::text[],
        ${words.map((w) => (w.errors === undefined ? null : JSON.stringify(w.errors)))}::jsonb[],
        ${words.map((w) => w.healthy !== undefined)}::boolean[],
        ${words.map((w) => w.healthy?.hash ?? null)}::text[],
        ${words.map((w) => w.healthy?.version ?? null)}::integer[],
        ${words.map((w) => w.interval_s ?? null)}::float8[], ${words.map((w) => w.heard)}::timestamptz[]
      ) AS t (agent_id, instance_id, says_running, running, says_attempted, attempted, errors,
              says_healthy, healthy_hash, healthy_version, interval_s, heard)
    ), known AS (
      UPDATE config_instances i SET
        running_hash = CASE WHEN w.says_running THEN w.running ELSE i.running_hash END,
        attempted_hash = CASE WHEN w.says_attempted THEN w.attempted ELSE i.attempted_hash END,
        errors = coalesce(w.errors, i.errors), interval_s = coalesce(w.interval_s, i.interval_s),
        healthy_hash = CASE WHEN w.says_healthy THEN w.healthy_hash ELSE i.healthy_hash END,
        healthy_version = CASE WHEN w.says_healthy THEN w.healthy_version ELSE i.healthy_version END,
        last_heard = greatest(i.last_heard, w.heard)
      FROM w WHERE i.agent_id = w.agent_id AND i.instance_id = w.instance_id
      RETURNING i.agent_id, i.instance_id
    )
    INSERT INTO config_instances
      (agent_id, instance_id, running_hash, attempted_hash, errors, interval_s, first_heard, last_heard,
       healthy_hash, healthy_version)
    SELECT w.agent_id, w.instance_id, w.running, w.attempted, coalesce(w.errors, '[]'),
           coalesce(w.interval_s, ${DEFAULT_INTERVAL_S}), w.heard, w.heard, w.healthy_hash, w.healthy_version
    FROM w JOIN agents a ON a.id = w.agent_id
    WHERE NOT EXISTS (SELECT FROM known k WHERE k.agent_id = w.agent_id AND k.instance_id = w.instance_id)
      AND (SELECT count(*) FROM config_instances i WHERE i.agent_id = w.agent_id) < ${2 * INSTANCES}
    ON CONFLICT DO NOTHING`.execute(db);
}

/** Forgets instances that were not heard since, and the oldest of an agent that has too many. */
export async function trimInstances(db: Executor, before: Date): Promise<void> {
  await sql`
    DELETE FROM config_instances i USING (
      SELECT agent_id, instance_id, last_heard,
             row_number() OVER (PARTITION BY agent_id ORDER BY last_heard DESC) AS place
      FROM config_instances
    ) p
    WHERE p.agent_id = i.agent_id AND p.instance_id = i.instance_id
      AND (p.place > ${INSTANCES} OR p.last_heard < ${before})`.execute(db);
}

/** A text that was cut may end in half of a character, which the database does not take. */
function faultsJson(errors: readonly ConfigFault[]): string {
  return JSON.stringify(parseStorable(JSON.stringify(errors)));
}

interface CaseRow extends DeliveryRow {
  name: string;
  status: string;
  desired: string;
  replicas: number;
  conditions: Condition[];
  subscribed_topics: string[];
  instances: (Omit<InstanceWord, 'first_heard' | 'last_heard'> & {
    first_heard: string;
    last_heard: string;
  })[];
  former: string[];
}

const CASE = sql`
  SELECT d.*, a.name, a.status, a.desired, a.replicas, a.conditions, a.subscribed_topics,
         (SELECT coalesce(json_agg(i), '[]') FROM config_instances i WHERE i.agent_id = d.agent_id) AS instances,
         ARRAY(SELECT f FROM agent_slots s, unnest(s.former) f WHERE s.agent_id = d.agent_id) AS former
  FROM config_deliveries d JOIN agents a ON a.id = d.agent_id`;

function toCase(row: CaseRow): Case {
  const { name, status, desired, replicas, conditions, subscribed_topics, instances, former } = row;
  return {
    delivery: row,
    agent: { name, status, desired, replicas, conditions, topics: subscribed_topics },
    instances: instances.map((each) => ({
      ...each,
      first_heard: new Date(each.first_heard),
      last_heard: new Date(each.last_heard),
    })),
    former,
  };
}

/**
 * What has to be judged: everything that was offered and is open, and these agents; in the order that everybody
 * locks agents in.
 */
export async function openCases(db: Executor, agentIds: readonly string[]): Promise<Case[]> {
  const { rows } = await sql<CaseRow>`${CASE}
    WHERE a.status <> 'removed'
      AND (d.agent_id = ANY(${[...agentIds]}::text[])
           OR (d.state = 'pending' AND d.offered_at IS NOT NULL))
    ORDER BY a.id`.execute(db);
  return rows.map(toCase);
}

export async function caseOf(db: Executor, agentId: string): Promise<Case | undefined> {
  const { rows } = await sql<CaseRow>`${CASE} WHERE d.agent_id = ${agentId}`.execute(db);
  return rows.map(toCase)[0];
}

/** What may be told now: first those told before whose turn it is again, then by the time they wait. */
export async function dueCases(db: Executor, at: Date, limit: number): Promise<Case[]> {
  const { rows } = await sql<CaseRow>`${CASE}
    WHERE d.state = 'pending' AND a.desired = 'running'
      AND a.status NOT IN ('discovered', 'removed') AND a.config_hash = d.desired_hash
      AND (d.next_send_at IS NULL OR d.next_send_at <= ${at})
    ORDER BY d.next_send_at NULLS LAST, d.since, d.agent_id LIMIT ${limit}`.execute(db);
  return rows.map(toCase);
}

/** Applied ones whose agents have consumers of topics they no longer read. */
export async function leftoverCases(db: Executor, limit: number): Promise<Case[]> {
  const { rows } = await sql<CaseRow>`${CASE}
    WHERE d.state = 'applied' AND a.status <> 'removed' AND NOT (d.topics <@ a.subscribed_topics)
    LIMIT ${limit}`.execute(db);
  return rows.map(toCase);
}

export interface Told {
  agent_id: string;
  desired_hash: string;
  at: Date;
  deadline: Date;
  next_send_at: Date;
  topics: readonly string[];
  /** Why it could not be told; empty when it was. */
  errors: readonly ConfigFault[];
}

/** The first one begins the time of the delivery. */
export async function recordTold(db: Executor, told: readonly Told[]): Promise<void> {
  if (told.length === 0) return;
  await sql`
    UPDATE config_deliveries d SET
      offered_at = coalesce(d.offered_at, t.at), deadline = coalesce(d.deadline, t.deadline),
      sent_at = t.at, next_send_at = t.next_send_at, attempts = d.attempts + 1,
      topics = ARRAY(SELECT jsonb_array_elements_text(t.topics)), errors = t.errors
    FROM unnest(
      ${told.map((t) => t.agent_id)}::text[], ${told.map((t) => t.desired_hash)}::text[],
      ${told.map((t) => t.at)}::timestamptz[], ${told.map((t) => t.deadline)}::timestamptz[],
      ${told.map((t) => t.next_send_at)}::timestamptz[],
      ${told.map((t) => JSON.stringify(t.topics))}::jsonb[],
      ${told.map((t) => faultsJson(t.errors))}::jsonb[]
    ) AS t (agent_id, desired_hash, at, deadline, next_send_at, topics, errors)
    WHERE d.agent_id = t.agent_id AND d.desired_hash = t.desired_hash AND d.state = 'pending'`.execute(
    db,
  );
}

/** Lets these be told at once. */
export async function hasten(db: Executor, agentIds: readonly string[], at: Date): Promise<void> {
  await sql`
    UPDATE config_deliveries SET next_send_at = ${at}
    WHERE agent_id = ANY(${[...agentIds]}::text[]) AND state = 'pending' AND offered_at IS NOT NULL`.execute(
    db,
  );
}

export interface Verdict {
  agent_id: string;
  desired_hash: string;
  state: DeliveryState;
  errors: readonly ConfigFault[];
  reopened: boolean;
}

/**
 * Writes new states; one whose desired hash has changed meanwhile is left alone. A rejected hash is kept as
 * failed on the agent, an applied one no longer. Topics of an applied one are read from then on, also when the
 * agent fetched it before it was told.
 */
export async function recordVerdicts(
  db: Executor,
  verdicts: readonly Verdict[],
  at: Date,
): Promise<void> {
  if (verdicts.length === 0) return;
  await sql`
    UPDATE config_deliveries d SET
      state = v.state, errors = v.errors,
      settled_at = CASE WHEN v.reopened THEN d.settled_at ELSE ${at}::timestamptz END,
      expiries = CASE WHEN v.state = 'expired' THEN d.expiries + 1
                      WHEN v.state = 'pending' THEN d.expiries ELSE 0 END,
      forced = CASE WHEN v.reopened THEN d.forced ELSE false END,
      since = CASE WHEN v.reopened THEN ${at}::timestamptz ELSE d.since END,
      offered_at = CASE WHEN v.reopened THEN NULL ELSE d.offered_at END,
      deadline = CASE WHEN v.reopened THEN NULL ELSE d.deadline END,
      next_send_at = NULL, attempts = CASE WHEN v.reopened THEN 0 ELSE d.attempts END,
      topics = CASE WHEN v.state <> 'applied' THEN d.topics ELSE ARRAY(
        SELECT unnest(d.topics) UNION SELECT unnest(a.subscribed_topics) FROM agents a
        WHERE a.id = d.agent_id AND a.config_hash = d.desired_hash) END
    FROM unnest(
      ${verdicts.map((v) => v.agent_id)}::text[], ${verdicts.map((v) => v.desired_hash)}::text[],
      ${verdicts.map((v) => v.state)}::text[], ${verdicts.map((v) => faultsJson(v.errors))}::jsonb[],
      ${verdicts.map((v) => v.reopened)}::boolean[]
    ) AS v (agent_id, desired_hash, state, errors, reopened)
    WHERE d.agent_id = v.agent_id AND d.desired_hash = v.desired_hash`.execute(db);
  const hashesOf = (state: DeliveryState) => {
    const those = verdicts.filter((v) => v.state === state);
    return [those.map((v) => v.agent_id), those.map((v) => v.desired_hash)] as const;
  };
  const [workingAgents, workingHashes] = hashesOf('applied');
  await sql`
    DELETE FROM config_failures f
    USING unnest(${workingAgents}::text[], ${workingHashes}::text[]) AS v (agent_id, hash)
    WHERE f.agent_id = v.agent_id AND f.hash = v.hash`.execute(db);
  const rejected = verdicts.filter((v) => v.state === 'rejected');
  if (rejected.length > 0) await recordFailures(db, rejected, at);
}

async function recordFailures(db: Executor, rejected: readonly Verdict[], at: Date): Promise<void> {
  await sql`
    INSERT INTO config_failures (agent_id, hash, errors, failed_at)
    SELECT v.agent_id, v.hash, v.errors, ${at}
    FROM unnest(
      ${rejected.map((v) => v.agent_id)}::text[], ${rejected.map((v) => v.desired_hash)}::text[],
      ${rejected.map((v) => faultsJson(v.errors))}::jsonb[]
    ) AS v (agent_id, hash, errors)
    ON CONFLICT (agent_id, hash) DO UPDATE SET errors = excluded.errors, failed_at = excluded.failed_at`.execute(
    db,
  );
  await sql`
    DELETE FROM config_failures f USING (
      SELECT agent_id, hash, row_number() OVER (PARTITION BY agent_id ORDER BY failed_at DESC) AS place
      FROM config_failures WHERE agent_id = ANY(${rejected.map((v) => v.agent_id)}::text[])
    ) p WHERE p.agent_id = f.agent_id AND p.hash = f.hash AND p.place > ${FAILURES}`.execute(db);
}

/** A try that was asked for has been answered: what instances say counts again. */
export async function answered(db: Executor, agentIds: readonly string[]): Promise<void> {
  if (agentIds.length === 0) return;
  await sql`
    UPDATE config_deliveries SET forced = false
    WHERE forced AND agent_id = ANY(${[...agentIds]}::text[])`.execute(db);
}

export async function recordLeftBehind(
  db: Executor,
  agentId: string,
  given: { desired_hash: string; topics: readonly string[]; leftBehind: readonly object[] },
): Promise<void> {
  await db
    .updateTable('config_deliveries')
    .set({ topics: [...given.topics], left_behind: JSON.stringify(given.leftBehind) })
    .where('agent_id', '=', agentId)
    .where('desired_hash', '=', given.desired_hash)
    .execute();
}

/** Forgets what failed on the agent, and what its instances said of it; its delivery begins anew. */
export async function startOver(db: Executor, agentId: string, at: Date): Promise<void> {
  await db.deleteFrom('config_failures').where('agent_id', '=', agentId).execute();
  await db
    .updateTable('config_instances')
    .set({ attempted_hash: null, errors: '[]' })
    .where('agent_id', '=', agentId)
    .execute();
  await sql`
    UPDATE config_deliveries SET
      state = 'pending', since = ${at}, offered_at = NULL, deadline = NULL, sent_at = NULL,
      next_send_at = NULL, attempts = 0, expiries = 0, settled_at = NULL, errors = '[]', forced = true
    WHERE agent_id = ${agentId} AND state <> 'applied'`.execute(db);
}

/** Newest first. */
export async function failuresOf(db: Executor, agentId: string) {
  return db
    .selectFrom('config_failures')
    .select(['hash', 'errors', 'failed_at'])
    .where('agent_id', '=', agentId)
    .orderBy('failed_at', 'desc')
    .limit(FAILURES)
    .execute();
}

/** By name; `after` is the (name, id) of the last row seen. */
export async function listCases(
  db: Executor,
  filter: { state?: string; reach: Reach },
  limit: number,
  after?: readonly [string, string],
): Promise<Case[]> {
  const { state = null, reach } = filter;
  const [name = null, id = null] = after ?? [];
  const { rows } = await sql<CaseRow>`${CASE}
    WHERE a.status <> 'removed' AND ${withinReach(reach, 'a')}
      AND (${state}::text IS NULL OR d.state = ${state})
      AND (${name}::text IS NULL OR (a.name, a.id) > (${name}, ${id}))
    ORDER BY a.name, a.id LIMIT ${limit}`.execute(db);
  return rows.map(toCase);
}

export async function countByState(db: Executor, reach: Reach) {
  const { rows } = await sql<{ state: DeliveryState; n: number }>`
    SELECT d.state, count(*)::int AS n FROM config_deliveries d JOIN agents a ON a.id = d.agent_id
    WHERE a.status <> 'removed' AND ${withinReach(reach, 'a')} GROUP BY d.state`.execute(db);
  return rows;
}

/** Where the deliveries of these agents stand: for who waits for them. */
export async function statesOf(db: Executor, agentIds: readonly string[]) {
  const { rows } = await sql<Pick<DeliveryRow, 'agent_id' | 'desired_hash' | 'state' | 'errors'>>`
    SELECT agent_id, desired_hash, state, errors FROM config_deliveries
    WHERE agent_id = ANY(${[...agentIds]}::text[])`.execute(db);
  return rows;
}
