/** All SQL of findings. */
import type { Finding, FindingRecord } from '@opmas/protocol';
import type { Selectable } from 'kysely';
import type { Reach } from '../../kernel/grants.ts';
import { limits } from '../../kernel/limits.ts';
import { agentWithinReach } from '../../kernel/reach-sql.ts';
import { sql } from '../../kernel/sql.ts';
import type { Executor, Tables } from '../../platform/ports.ts';

export type FindingRow = Selectable<Tables['findings']>;

/** A finding with the subject it came on. */
export interface ReceivedFinding {
  finding: Finding;
  topic: string;
}

export function toRecord(row: FindingRow): FindingRecord {
  return {
    finding_id: row.finding_id,
    agent_id: row.agent_id,
    agent_name: row.agent_name,
    type: row.type,
    severity: row.severity as FindingRecord['severity'],
    status: row.status as FindingRecord['status'],
    timestamp: row.timestamp.toISOString(),
    recorded_at: row.recorded_at.toISOString(),
    topic: row.topic,
    description: row.description,
    details: row.details,
  };
}

/** The kind of outbox row a new finding makes. */
export const FINDING_EVENT = 'finding.recorded';

/**
 * Stores what is new of `batch`, with its outbox rows and its agents' counts, in one statement: a
 * finding whose id was stored before changes nothing.
 * @returns how many were new
 */
export async function recordBatch(
  db: Executor,
  batch: readonly ReceivedFinding[],
  recordedAt: Date,
): Promise<number> {
  const column = (pick: (item: ReceivedFinding) => string) => batch.map(pick);
  const { rows } = await sql<{ n: number }>`
    WITH given AS (
      SELECT DISTINCT ON (finding_id) *
      FROM unnest(
        ${column((i) => i.finding.finding_id)}::text[],
        ${column((i) => i.finding.agent_id)}::text[],
        ${column((i) => i.topic)}::text[],
        ${column((i) => i.finding.type)}::text[],
        ${column((i) => i.finding.severity)}::text[],
        ${column((i) => i.finding.timestamp)}::timestamptz[],
        ${column((i) => i.finding.description)}::text[],
        ${column((i) => JSON.stringify(i.finding.details))}::jsonb[]
      ) WITH ORDINALITY
        AS g (finding_id, agent_id, topic, type, severity, at, description, details, place)
    ), fresh AS (
      INSERT INTO finding_keys (finding_id, recorded_at)
      SELECT finding_id, ${recordedAt} FROM given
      ON CONFLICT (finding_id) DO NOTHING
      RETURNING finding_id
    ), added AS (
      INSERT INTO findings (finding_id, agent_id, agent_name, topic, type, severity, timestamp,
                            recorded_at, description, details, agent_version, package_digest, config_hash)
      SELECT g.finding_id, g.agent_id, coalesce(a.name, g.agent_id), g.topic, g.type, g.severity, g.at,
             ${recordedAt}, g.description, g.details, a.version, a.package_digest,
             coalesce(l.config_hash, a.config_hash)
      FROM given g JOIN fresh USING (finding_id) LEFT JOIN agents a ON a.id = g.agent_id
           LEFT JOIN agent_liveness l ON l.agent_id = g.agent_id
      RETURNING *
    ), counted AS (
      INSERT INTO agent_counters AS c (agent_id, findings)
      SELECT agent_id, count(*) FROM added GROUP BY agent_id ORDER BY agent_id
      ON CONFLICT (agent_id) DO UPDATE SET findings = c.findings + excluded.findings
    ), told AS (
      INSERT INTO outbox (kind, data)
      SELECT ${FINDING_EVENT}, jsonb_build_object(
        'finding_id', added.finding_id, 'agent_id', added.agent_id,
        'agent_name', added.agent_name, 'type', added.type, 'severity', added.severity,
        'status', added.status, 'topic', added.topic, 'description', added.description,
        'details', CASE WHEN octet_length(added.details::text) <= ${limits.feedDetailsBytes}
                        THEN added.details ELSE '{}'::jsonb END,
        'timestamp', to_char(added.timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'recorded_at', to_char(added.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      FROM added JOIN given USING (finding_id) ORDER BY place
    )
    SELECT count(*) AS n FROM added`.execute(db);
  return Number(rows[0]?.n ?? 0);
}

export interface FindingFilter {
  agent_id?: string;
  type?: string;
  severity?: string;
  status?: string;
  from?: string;
  to?: string;
  q?: string;
}

/** Newest first; `after` is the (recorded_at, finding_id) of the last row seen. */
export async function listFindings(
  db: Executor,
  filter: FindingFilter & { reach: Reach },
  limit: number,
  after?: readonly [string, string],
): Promise<FindingRow[]> {
  let query = db
    .selectFrom('findings')
    .selectAll()
    .orderBy('recorded_at', 'desc')
    .orderBy('finding_id', 'desc')
    .limit(limit);
  if (filter.reach !== 'all') {
    query = query.where(agentWithinReach(filter.reach, 'findings.agent_id'));
  }
  if (filter.agent_id !== undefined) query = query.where('agent_id', '=', filter.agent_id);
  if (filter.type !== undefined) query = query.where('type', '=', filter.type);
  if (filter.severity !== undefined) query = query.where('severity', '=', filter.severity);
  if (filter.status !== undefined) query = query.where('status', '=', filter.status);
  if (filter.from !== undefined) query = query.where('recorded_at', '>=', new Date(filter.from));
  if (filter.to !== undefined) query = query.where('recorded_at', '<', new Date(filter.to));
  if (filter.q !== undefined) {
    const pattern = `%${filter.q.replaceAll(/[\\%_]/g, '\\$&')}%`;
    query = query.where((eb) =>
      eb.or([
        eb('description', 'ilike', pattern),
        eb('type', 'ilike', pattern),
        sql<boolean>`details::text ILIKE ${pattern}`,
      ]),
    );
  }
  if (after !== undefined) {
    query = query.where(
      sql<boolean>`(recorded_at, finding_id) < (${after[0]}::timestamptz, ${after[1]})`,
    );
  }
  return query.execute();
}

/**
 * Undefined also when its agent is out of reach: nobody learns what there is beyond. Its key says in which partition
 * it lies; a finding that is older than the keys are kept is looked for in all of them.
 */
export async function findingById(
  db: Executor,
  id: string,
  reach: Reach,
): Promise<FindingRow | undefined> {
  const key = await db
    .selectFrom('finding_keys')
    .select('recorded_at')
    .where('finding_id', '=', id)
    .executeTakeFirst();
  let query = db
    .selectFrom('findings')
    .selectAll()
    .where('finding_id', '=', id)
    .where(agentWithinReach(reach, 'findings.agent_id'))
    .orderBy('recorded_at', 'desc')
    .limit(1);
  if (key !== undefined) query = query.where('recorded_at', '=', key.recorded_at);
  return query.executeTakeFirst();
}

/** Keys may go once no redelivery can bring their findings back. */
export async function trimKeys(db: Executor, before: Date): Promise<void> {
  await db.deleteFrom('finding_keys').where('recorded_at', '<', before).execute();
}
