/** All SQL of where events come from, and who fell silent. */
import type { MetricsReport } from '@opmas/protocol';
import { timestamp } from '../../kernel/clock.ts';
import type { Reach } from '../../kernel/grants.ts';
import { withinReach } from '../../kernel/reach-sql.ts';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';

/** A source is silent after so many of its longest gaps, and after so many seconds at least. */
const GAPS = 3;
const LEAST_SECONDS = 300;
/** It has a rhythm when it was heard so often, over no less than the time after which it is silent. */
const BEATS = 10;

/** Agents say what they like: no count is larger, and no gap longer, than can be added up and waited for. */
const MOST_BEATS = Number.MAX_SAFE_INTEGER;
const LONGEST_GAP = 366 * 86_400;

/** Of an agent; more, and sources without a rhythm and those longest unheard give way. */
const PER_AGENT = 2_000;

/** To the millisecond, as cursors tell it. */
const toMillisecond = (time: string): string => timestamp(Date.parse(time));

/** What agents heard, and up to when. A report that comes again, or late, changes nothing. */
export async function recordSources(
  db: Executor,
  reports: readonly MetricsReport[],
  at: Date,
): Promise<void> {
  const telling = reports.filter(({ sources }) => sources !== undefined);
  if (telling.length === 0) return;
  const rows = telling.flatMap(({ agent_id, instance_id, sources = [] }) =>
    sources.map((source) => ({ agent_id, instance_id: instance_id ?? '', ...source })),
  );
  if (rows.length > 0) {
    await sql`
      INSERT INTO event_sources AS s
        (agent_id, topic, host, first_at, last_at, beats, instance_id, longest_gap)
      SELECT DISTINCT ON (t.agent_id, t.topic, t.host) t.agent_id, t.topic, t.host,
             least(t.first_at, ${at}), least(t.last_at, ${at}), t.beats, t.instance_id, t.gap
      FROM unnest(
        ${rows.map((r) => r.agent_id)}::text[], ${rows.map((r) => r.topic)}::text[],
        ${rows.map((r) => r.host ?? '')}::text[], ${rows.map((r) => toMillisecond(r.first_at))}::timestamptz[],
        ${rows.map((r) => toMillisecond(r.last_at))}::timestamptz[], ${rows.map((r) => Math.min(r.beats, MOST_BEATS))}::bigint[],
        ${rows.map((r) => r.instance_id)}::text[], ${rows.map((r) => Math.min(r.longest_gap, LONGEST_GAP))}::float8[]
      ) AS t (agent_id, topic, host, first_at, last_at, beats, instance_id, gap)
      JOIN agents a ON a.id = t.agent_id
      ORDER BY t.agent_id, t.topic, t.host, t.last_at DESC
      ON CONFLICT (agent_id, topic, host) DO UPDATE SET
        first_at = least(s.first_at, excluded.first_at),
        last_at = excluded.last_at,
        beats_before = CASE WHEN s.instance_id = excluded.instance_id THEN s.beats_before
                            ELSE least(s.beats_before + s.beats, ${MOST_BEATS}) END,
        beats = CASE WHEN s.instance_id = excluded.instance_id
                     THEN greatest(s.beats, excluded.beats) ELSE excluded.beats END,
        instance_id = excluded.instance_id,
        longest_gap = greatest(excluded.longest_gap,
          s.longest_gap * power(0.5, extract(epoch FROM excluded.last_at - s.last_at) / 86400))
      WHERE excluded.last_at > s.last_at`.execute(db);
  }
  await sql`
    INSERT INTO event_sources_until AS u (agent_id, until, partial_at)
    SELECT t.agent_id, max(least(t.until, ${at})), max(least(t.partial_at, ${at})) FILTER (WHERE t.partial_at IS NOT NULL)
    FROM unnest(
      ${telling.map((r) => r.agent_id)}::text[], ${telling.map((r) => toMillisecond(r.timestamp))}::timestamptz[],
      ${telling.map(({ sources_partial_at: at }) => (at === undefined ? null : toMillisecond(at)))}::timestamptz[]
    ) AS t (agent_id, until, partial_at)
    JOIN agents a ON a.id = t.agent_id
    GROUP BY t.agent_id ORDER BY t.agent_id
    ON CONFLICT (agent_id) DO UPDATE SET
      until = greatest(u.until, excluded.until),
      partial_at = greatest(u.partial_at, excluded.partial_at)`.execute(db);
}

export interface SourceRow {
  agent_id: string;
  agent_name: string;
  topic: string;
  /** '' for the topic as a whole. */
  host: string;
  first_at: Date;
  last_at: Date;
  longest_gap: number;
  silent_after: number;
  regular: boolean;
  silent: boolean;
  /** Names the row in a cursor. */
  key: string;
}

/** The longest unheard first; `after` is the (last_at, key) of the last row seen. */
export async function listSources(
  db: Executor,
  filter: { reach: Reach; agentId: string | undefined; silent: boolean | undefined },
  limit: number,
  after: readonly [string, string] | undefined,
): Promise<SourceRow[]> {
  const { reach, agentId, silent } = filter;
  const { rows } = await sql<SourceRow>`
    WITH judged AS (
      SELECT s.agent_id, a.name AS agent_name, s.topic, s.host, s.first_at, s.last_at, s.longest_gap,
             u.until,
             -- Of hosts not everything may have been noted until then; of topics it is.
             CASE WHEN s.host = '' THEN s.last_at ELSE greatest(s.last_at, u.partial_at) END AS since,
             greatest(${LEAST_SECONDS}, ${GAPS} * s.longest_gap) AS silent_after,
             s.beats_before + s.beats AS beats,
             md5(s.agent_id || '|' || s.topic || '|' || s.host) AS key
      FROM event_sources s
      JOIN agents a ON a.id = s.agent_id AND a.status <> 'removed'
      LEFT JOIN event_sources_until u ON u.agent_id = s.agent_id
      WHERE ${withinReach(reach, 'a')} AND (${agentId ?? null}::text IS NULL OR a.id = ${agentId ?? null})
    ), told AS (
      SELECT j.*, r.regular,
             r.regular AND coalesce(j.since + j.silent_after * interval '1 s' < j.until, false) AS silent
      FROM judged j, LATERAL (SELECT j.beats >= ${BEATS}
        AND j.last_at - j.first_at >= j.silent_after * interval '1 s' AS regular) r
    )
    SELECT agent_id, agent_name, topic, host, first_at, last_at, longest_gap, silent_after, regular,
           silent, key
    FROM told
    WHERE (${silent ?? null}::boolean IS NULL OR silent = ${silent ?? null})
      AND (${after?.[0] ?? null}::timestamptz IS NULL
           OR (last_at, key) > (${after?.[0] ?? null}::timestamptz, ${after?.[1] ?? null}::text))
    ORDER BY last_at, key LIMIT ${limit}`.execute(db);
  return rows;
}

/** Forgets what was not heard since `before`, and of each agent what is too much. */
export async function trimSources(db: Executor, before: Date): Promise<void> {
  await sql`
    DELETE FROM event_sources s USING (
      SELECT agent_id, topic, host, row_number() OVER (
        PARTITION BY agent_id
        ORDER BY (host = '') DESC, (beats_before + beats >= ${BEATS}) DESC, last_at DESC
      ) AS place, last_at
      FROM event_sources
    ) t
    WHERE s.agent_id = t.agent_id AND s.topic = t.topic AND s.host = t.host
      AND (t.place > ${PER_AGENT} OR t.last_at < ${before})`.execute(db);
}
