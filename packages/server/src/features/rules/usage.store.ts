/** All SQL of what rules do in service. */
import type { DisabledRule, MetricsReport } from '@opmas/protocol';
import { timestamp } from '../../kernel/clock.ts';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';

/** No count is larger: agents say what they like, and counts are added up. */
const MOST = Number.MAX_SAFE_INTEGER;

/** What one agent said of one rule, all its instances together. */
export interface UsageRow {
  agent_id: string;
  rule_id: string;
  hits: number;
  last_hit: Date | null;
  cost_ns: number | null;
  slow: boolean;
}

/** What an agent says of a rule that it took out of service. */
export interface DisabledRow {
  agent_id: string;
  rule_id: string;
  rule_version: string;
  reason: string;
  since: Date;
}

/**
 * Counts are of the instance since its start: the same report again changes nothing, an older one nothing either.
 * No rule has hit after `at`, whatever the agent's clock says.
 */
export async function recordUsage(
  db: Executor,
  reports: readonly MetricsReport[],
  at: Date,
): Promise<void> {
  const rows = reports.flatMap(({ agent_id, instance_id, rules = [] }) =>
    rules.map((rule) => ({ agent_id, instance_id: instance_id ?? '', ...rule })),
  );
  if (rows.length === 0) return;
  const hitAt = (time: string) => timestamp(Math.min(Date.parse(time), at.getTime()));
  await sql`
    INSERT INTO rule_usage AS u
      (agent_id, rule_id, instance_id, hits, last_hit, cost_ns, slow, reported_at)
    SELECT t.agent_id, t.rule_id, t.instance_id, max(t.hits), max(t.last_hit), max(t.cost_ns),
           bool_or(t.slow), ${at}
    FROM unnest(
      ${rows.map((row) => row.agent_id)}::text[], ${rows.map((row) => row.rule_id)}::text[],
      ${rows.map((row) => row.instance_id)}::text[], ${rows.map((row) => Math.min(row.hits, MOST))}::bigint[],
      ${rows.map(({ last_hit }) => (last_hit === undefined ? null : hitAt(last_hit)))}::timestamptz[],
      ${rows.map((row) => row.cost_ns ?? null)}::float8[],
      ${rows.map((row) => row.slow ?? false)}::boolean[]
    ) AS t (agent_id, rule_id, instance_id, hits, last_hit, cost_ns, slow)
    JOIN agents a ON a.id = t.agent_id
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3
    ON CONFLICT (agent_id, rule_id, instance_id) DO UPDATE SET
      hits = greatest(u.hits, excluded.hits),
      last_hit = greatest(u.last_hit, excluded.last_hit),
      cost_ns = coalesce(excluded.cost_ns, u.cost_ns),
      slow = u.slow OR excluded.slow,
      reported_at = excluded.reported_at`.execute(db);
}

/** Ids of rules in between, as the server's programs compare them. */
export interface RuleRange {
  after: string;
  upTo: string | undefined;
}

export async function usageOf(
  db: Executor,
  agentIds: readonly string[],
  { after, upTo }: RuleRange,
): Promise<UsageRow[]> {
  const { rows } = await sql<UsageRow>`
    SELECT agent_id, rule_id, least(sum(hits), ${MOST})::bigint AS hits, max(last_hit) AS last_hit,
           (array_agg(cost_ns ORDER BY reported_at DESC) FILTER (WHERE cost_ns IS NOT NULL))[1]
             AS cost_ns,
           coalesce(bool_or(slow) FILTER (WHERE instance_id <> ''), false) AS slow
    FROM rule_usage WHERE agent_id = ANY(${[...agentIds]}::text[])
      AND rule_id COLLATE "C" > ${after}
      AND (${upTo ?? null}::text IS NULL OR rule_id COLLATE "C" <= ${upTo ?? null})
    GROUP BY agent_id, rule_id`.execute(db);
  return rows.map((row) => ({ ...row, hits: Number(row.hits) }));
}

export async function rulesHitSince(
  db: Executor,
  agentIds: readonly string[],
  since: Date,
): Promise<string[]> {
  const { rows } = await sql<{ rule_id: string }>`
    SELECT DISTINCT rule_id FROM rule_usage
    WHERE agent_id = ANY(${[...agentIds]}::text[]) AND last_hit >= ${since}`.execute(db);
  return rows.map(({ rule_id }) => rule_id);
}

/** All that are out of service on the agent; what it said before is forgotten. The agent is locked. */
export async function recordDisabled(
  db: Executor,
  agentId: string,
  rules: readonly DisabledRule[],
): Promise<void> {
  const newest = [...new Map(rules.map((rule) => [rule.rule_id, rule])).values()];
  await sql`
    DELETE FROM rules_disabled
    WHERE agent_id = ${agentId} AND rule_id <> ALL(${newest.map((r) => r.rule_id)}::text[])`.execute(
    db,
  );
  if (newest.length === 0) return;
  await sql`
    INSERT INTO rules_disabled (agent_id, rule_id, rule_version, reason, since)
    SELECT ${agentId}, t.* FROM unnest(
      ${newest.map((r) => r.rule_id)}::text[], ${newest.map((r) => r.rule_version)}::text[],
      ${newest.map((r) => r.reason)}::text[], ${newest.map((r) => r.since)}::timestamptz[]
    ) AS t (rule_id, rule_version, reason, since)
    ON CONFLICT (agent_id, rule_id) DO UPDATE SET
      rule_version = excluded.rule_version, reason = excluded.reason, since = excluded.since`.execute(
    db,
  );
}

export async function disabledOn(
  db: Executor,
  agentIds: readonly string[],
  { after, upTo }: RuleRange,
): Promise<DisabledRow[]> {
  const { rows } = await sql<DisabledRow>`
    SELECT agent_id, rule_id, rule_version, reason, since FROM rules_disabled
    WHERE agent_id = ANY(${[...agentIds]}::text[]) AND rule_id COLLATE "C" > ${after}
      AND (${upTo ?? null}::text IS NULL OR rule_id COLLATE "C" <= ${upTo ?? null})`.execute(db);
  return rows;
}

/**
 * Instances that said nothing since `before` are one from then on: their counts stay, their number does not grow.
 * The last of each replica stays as it is: it may only have been cut off, and goes on counting from where it was.
 */
export async function trimUsage(db: Executor, before: Date): Promise<void> {
  await sql`
    UPDATE rule_usage SET slow = false
    WHERE slow AND instance_id <> '' AND reported_at < ${before}`.execute(db);
  await sql`
    WITH gone AS (
      DELETE FROM rule_usage old USING agents a
      WHERE a.id = old.agent_id AND old.instance_id <> '' AND old.reported_at < ${before}
        AND (SELECT count(*) FROM rule_usage newer
             WHERE newer.agent_id = old.agent_id AND newer.rule_id = old.rule_id
               AND newer.instance_id <> ''
               AND (newer.reported_at, newer.instance_id) > (old.reported_at, old.instance_id)
            ) >= a.replicas
      RETURNING old.agent_id, old.rule_id, old.hits, old.last_hit, old.cost_ns, old.reported_at
    )
    INSERT INTO rule_usage AS u
      (agent_id, rule_id, instance_id, hits, last_hit, cost_ns, reported_at)
    SELECT agent_id, rule_id, '', least(sum(hits), ${MOST}), max(last_hit), max(cost_ns), max(reported_at)
    FROM gone GROUP BY agent_id, rule_id
    ON CONFLICT (agent_id, rule_id, instance_id) DO UPDATE SET
      hits = least(u.hits + excluded.hits, ${MOST}),
      last_hit = greatest(u.last_hit, excluded.last_hit),
      cost_ns = coalesce(excluded.cost_ns, u.cost_ns),
      reported_at = greatest(u.reported_at, excluded.reported_at)`.execute(db);
}
