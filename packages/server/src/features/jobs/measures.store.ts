/** SQL of what gates read: work done, errors made and findings, over the agents of a wave. */
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';

/** How far back the last figures before a wave may lie. */
const LOOKBACK_MS = 3_600_000;

/**
 * Events and errors since `since`, by the cumulative counters of each instance.
 * @returns the sums, and the agents that have reported since
 */
export async function workSince(
  db: Executor,
  agentIds: readonly string[],
  since: Date,
): Promise<{ events: number; errors: number; reported: number }> {
  const from = new Date(since.getTime() - LOOKBACK_MS);
  const { rows } = await sql<{ events: number; errors: number; reported: number }>`
    WITH figures AS (
      SELECT agent_id, coalesce(instance_id, '') AS instance, name, value, timestamp
      FROM agent_metrics
      WHERE agent_id = ANY(${[...agentIds]}::text[]) AND name IN ('events_processed', 'errors')
        AND recorded_at >= ${from} AND timestamp >= ${from}
    ), sums AS (
      SELECT agent_id, name,
             max(value) FILTER (WHERE timestamp > ${since}) AS now,
             coalesce(max(value) FILTER (WHERE timestamp <= ${since}), 0) AS before
      FROM figures GROUP BY agent_id, instance, name
    )
    SELECT coalesce(sum(greatest(now - before, 0)) FILTER (WHERE name = 'events_processed'), 0)::float8 AS events,
           coalesce(sum(greatest(now - before, 0)) FILTER (WHERE name = 'errors'), 0)::float8 AS errors,
           count(DISTINCT agent_id) FILTER (WHERE now IS NOT NULL)::int AS reported
    FROM sums`.execute(db);
  return rows[0] ?? { events: 0, errors: 0, reported: 0 };
}

/** Findings of these agents recorded from `from` on and before `to`. */
export async function findingsBetween(
  db: Executor,
  agentIds: readonly string[],
  from: Date,
  to: Date,
): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT count(*)::int AS n FROM findings
    WHERE agent_id = ANY(${[...agentIds]}::text[])
      AND recorded_at >= ${from} AND recorded_at < ${to}`.execute(db);
  return rows[0]?.n ?? 0;
}
