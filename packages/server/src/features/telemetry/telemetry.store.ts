/** All SQL of liveness, metrics and agent logs: batches in, series and lists out. */
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import type { LivenessRow } from './liveness.ts';

/** One statement for a batch of heartbeats; agents that are gone are left out. */
export async function writeLiveness(db: Executor, rows: readonly LivenessRow[]): Promise<void> {
  await sql`
    INSERT INTO agent_liveness AS l
      (agent_id, last_heartbeat, status, uptime, instance_id, config_version, config_hash)
    SELECT t.* FROM unnest(
      ${rows.map((r) => r.agent_id)}::text[], ${rows.map((r) => r.last_heartbeat)}::timestamptz[],
      ${rows.map((r) => r.status)}::text[], ${rows.map((r) => r.uptime)}::float8[],
      ${rows.map((r) => r.instance_id)}::text[], ${rows.map((r) => r.config_version)}::bigint[],
      ${rows.map((r) => r.config_hash)}::text[]
    ) AS t (agent_id, last_heartbeat, status, uptime, instance_id, config_version, config_hash)
    JOIN agents a ON a.id = t.agent_id
    ON CONFLICT (agent_id) DO UPDATE SET
      last_heartbeat = excluded.last_heartbeat, status = excluded.status, uptime = excluded.uptime,
      instance_id = excluded.instance_id, config_version = excluded.config_version,
      config_hash = excluded.config_hash`.execute(db);
}

export interface MetricRow {
  key: string;
  agent_id: string;
  instance_id: string | null;
  name: string;
  value: number;
  at: string;
}

export interface LogRow {
  key: string;
  id: string;
  agent_id: string;
  instance_id: string | null;
  level: string;
  message: string;
  context: string;
  at: string;
}

/**
 * Stores the rows of messages not stored before, in one transaction of the caller. `keys` are all
 * messages of the batch: they count as stored even if they carried nothing.
 */
export async function recordTelemetry(
  db: Executor,
  batch: { keys: readonly string[]; metrics: readonly MetricRow[]; logs: readonly LogRow[] },
): Promise<void> {
  const { keys, metrics, logs } = batch;
  await sql`
    WITH fresh AS (
      INSERT INTO telemetry_keys (message_key, recorded_at)
      SELECT DISTINCT k, now() FROM unnest(${keys}::text[]) AS k
      ON CONFLICT (message_key) DO NOTHING
      RETURNING message_key
    ), metrics AS (
      INSERT INTO agent_metrics (agent_id, name, value, timestamp, instance_id)
      SELECT m.agent_id, m.name, m.value, m.at, m.instance_id
      FROM unnest(
        ${metrics.map((m) => m.key)}::text[], ${metrics.map((m) => m.agent_id)}::text[],
        ${metrics.map((m) => m.name)}::text[], ${metrics.map((m) => m.value)}::float8[],
        ${metrics.map((m) => m.at)}::timestamptz[], ${metrics.map((m) => m.instance_id)}::text[]
      ) AS m (key, agent_id, name, value, at, instance_id)
      JOIN fresh f ON f.message_key = m.key
    )
    INSERT INTO agent_logs (id, agent_id, level, message, timestamp, context, instance_id)
    SELECT l.id, l.agent_id, l.level, l.message, l.at, l.context, l.instance_id
    FROM unnest(
      ${logs.map((l) => l.key)}::text[], ${logs.map((l) => l.id)}::uuid[],
      ${logs.map((l) => l.agent_id)}::text[], ${logs.map((l) => l.level)}::text[],
      ${logs.map((l) => l.message)}::text[], ${logs.map((l) => l.at)}::timestamptz[],
      ${logs.map((l) => l.context)}::jsonb[], ${logs.map((l) => l.instance_id)}::text[]
    ) AS l (key, id, agent_id, level, message, at, context, instance_id)
    JOIN fresh f ON f.message_key = l.key`.execute(db);
}

/** Keys may go once the stream cannot deliver their messages again. */
export async function trimTelemetryKeys(db: Executor, before: Date): Promise<void> {
  await db.deleteFrom('telemetry_keys').where('recorded_at', '<', before).execute();
}

/** The newest value of each metric. */
export async function latestMetrics(db: Executor, agentId: string, since: Date) {
  const { rows } = await sql<{ name: string; value: number }>`
    SELECT DISTINCT ON (name) name, value FROM agent_metrics
    WHERE agent_id = ${agentId} AND recorded_at >= ${since}
    ORDER BY name, timestamp DESC`.execute(db);
  return rows;
}

/** Averages over steps of `stepSeconds`, oldest first, bounded. */
export async function metricPoints(
  db: Executor,
  query: { agentId: string; name: string | undefined; from: Date; to: Date; stepSeconds: number },
  limit: number,
) {
  const { agentId, name, from, to, stepSeconds } = query;
  const { rows } = await sql<{ name: string; at: Date; value: number }>`
    SELECT name,
           to_timestamp(floor(extract(epoch FROM timestamp) / ${stepSeconds}) * ${stepSeconds}) AS at,
           avg(value) AS value
    FROM agent_metrics
    WHERE agent_id = ${agentId} AND timestamp >= ${from} AND timestamp < ${to}
      AND recorded_at >= ${from} AND (${name ?? null}::text IS NULL OR name = ${name ?? null})
    GROUP BY 1, 2 ORDER BY 1, 2 LIMIT ${limit}`.execute(db);
  return rows;
}

export interface LogFilter {
  levels?: readonly string[];
  q?: string;
  from?: string;
  to?: string;
}

/** Newest first; `after` is the (timestamp, id) of the last row seen. */
export async function listLogs(
  db: Executor,
  agentId: string,
  filter: LogFilter,
  limit: number,
  after?: readonly [string, string],
) {
  let query = db
    .selectFrom('agent_logs')
    .selectAll()
    .where('agent_id', '=', agentId)
    .orderBy('timestamp', 'desc')
    .orderBy('id', 'desc')
    .limit(limit);
  if (filter.levels !== undefined) query = query.where('level', 'in', [...filter.levels]);
  if (filter.from !== undefined) query = query.where('timestamp', '>=', new Date(filter.from));
  if (filter.to !== undefined) query = query.where('timestamp', '<', new Date(filter.to));
  if (filter.q !== undefined) {
    query = query.where('message', 'ilike', `%${filter.q.replaceAll(/[\\%_]/g, '\\$&')}%`);
  }
  if (after !== undefined) {
    query = query.where(
      sql<boolean>`(timestamp, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`,
    );
  }
  return query.execute();
}

/** Agents that were running when this server last knew. */
export async function runningAgentIds(db: Executor): Promise<string[]> {
  const rows = await db.selectFrom('agents').select('id').where('status', '=', 'running').execute();
  return rows.map((row) => row.id);
}
