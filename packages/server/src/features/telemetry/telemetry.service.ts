/** What agents say of themselves: heartbeats, status, metrics, logs; stored, judged, read. */
import { createHash } from 'node:crypto';
import {
  type AgentHealth,
  type AgentLogLine,
  type AgentLogRecord,
  type AgentStatus,
  type AgentStatusReport,
  type DisabledRule,
  type Heartbeat,
  type MetricSeries,
  type MetricsReport,
  mayBecome,
} from '@opmas/protocol';
import { type Clock, timestamp } from '../../kernel/clock.ts';
import { isDataFault } from '../../kernel/database-away.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Reach } from '../../kernel/grants.ts';
import { isolate } from '../../kernel/isolate.ts';
import { limits } from '../../kernel/limits.ts';
import { type Page, type PageRequest, pageOf } from '../../kernel/paging.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import { type AgentsService, type ConditionChange, toAgent } from '../agents/index.ts';
import { recordDisabled, recordUsage } from '../rules/index.ts';
import { Liveness, type LivenessRow, type PresenceChange } from './liveness.ts';
import type { Source } from './schemas.ts';
import { listSources, recordSources, type SourceRow } from './sources.store.ts';
import * as store from './telemetry.store.ts';

/** A decoded telemetry message with the key that makes it single. */
export type TelemetryItem =
  | { key: string; kind: 'metrics'; report: MetricsReport }
  | { key: string; kind: 'log'; line: AgentLogLine };

const FLUSH_ROWS = 5_000;
/** Points of one answer, all series together. */
const MAX_POINTS = 20_000;
const DAY_MS = 86_400_000;

export function createTelemetryService(options: {
  database: Database;
  agents: AgentsService;
  clock: Clock;
}) {
  const { database, agents, clock } = options;
  const liveness = new Liveness(clock);
  /** Changes of presence not yet written: kept until the database takes them, newest for each agent. */
  const pending = new Map<string, PresenceChange>();

  async function applyPresence(change: PresenceChange): Promise<void> {
    const seconds = Math.round(change.silentMs / 1_000);
    const silent = (
      present: boolean,
      type: 'late' | 'offline',
      message: string,
    ): ConditionChange =>
      present ? { type, present, reason: 'no_heartbeat', message } : { type, present };
    await database.transaction(async (tx) => {
      const agent = await agents.lock(tx, change.agentId);
      // While this waited the agent was heard, or fell silent: that is what holds.
      if (pending.get(change.agentId) !== change) return;
      // Silence counts against an agent that runs; a voice clears it in any state.
      if (change.presence !== 'on_time' && agent.status !== 'running') return;
      // Of an agent on another machine nobody but itself says that it runs.
      const runs =
        change.presence === 'on_time' &&
        agent.package_path === null &&
        mayBecome(agent.status as AgentStatus, 'running');
      await agents.change(tx, change.agentId, {
        ...(runs ? { status: 'running', reason: null } : {}),
        conditions: [
          silent(change.presence === 'late', 'late', `No heartbeat for ${seconds} s`),
          silent(change.presence === 'offline', 'offline', `No heartbeat for ${seconds} s`),
        ],
      });
    });
  }

  async function writePresence(change: PresenceChange): Promise<void> {
    await ifKnown(() => applyPresence(change));
    if (pending.get(change.agentId) === change) pending.delete(change.agentId);
  }

  async function ifKnown(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // An agent that was deleted between report and write has nothing to be told.
      if (!(error instanceof OpmasError && error.code === 'OPMAS_AGENT_NOT_FOUND')) throw error;
    }
  }

  async function recordAll(items: readonly TelemetryItem[]): Promise<void> {
    if (items.length === 0) return;
    const metrics: store.MetricRow[] = [];
    const logs: store.LogRow[] = [];
    for (const item of items) {
      if (item.kind === 'metrics') metrics.push(...metricRows(item.key, item.report));
      else logs.push(logRow(item.key, item.line));
    }
    const reports = items.flatMap((item) => (item.kind === 'metrics' ? [item.report] : []));
    await recordUsage(database.pool, reports, new Date(clock.now()));
    await recordSources(database.pool, reports, new Date(clock.now()));
    await store.recordTelemetry(database.pool, {
      keys: items.map((item) => item.key),
      metrics,
      logs,
    });
  }

  return {
    liveness,

    /** After a start: agents that were running must be heard soon, or they are late. */
    async expectRunning(): Promise<void> {
      for (const id of await store.runningAgentIds(database.pool)) liveness.expect(id);
    },

    /** Returns at once; what it changes is written by the next flush. */
    heartbeat(heartbeat: Heartbeat): PresenceChange | undefined {
      return liveness.heard(heartbeat);
    },

    /** Written now, or by the next sweep when the database is away. */
    async presenceChanged(change: PresenceChange): Promise<void> {
      pending.set(change.agentId, change);
      await writePresence(change);
    },

    /** Writes who became silent since the last sweep, and what could not be written before. */
    async sweep(): Promise<number> {
      for (const change of liveness.sweep()) pending.set(change.agentId, change);
      const due = [...pending.values()];
      for (const change of due) await writePresence(change);
      return due.length;
    },

    /**
     * Writes heartbeats that came since the last flush.
     * @returns what the database will never take, with what it said
     */
    async flush(): Promise<{ item: LivenessRow; error: unknown }[]> {
      const dropped: { item: LivenessRow; error: unknown }[] = [];
      const write = (rows: readonly LivenessRow[]) => store.writeLiveness(database.pool, rows);
      for (;;) {
        const rows = liveness.drain(FLUSH_ROWS);
        if (rows.length === 0) return dropped;
        try {
          dropped.push(...(await isolate(rows, write, isDataFault)));
        } catch (error) {
          liveness.restore(rows);
          throw error;
        }
        if (rows.length < FLUSH_ROWS) return dropped;
      }
    },

    /** An agent's own word on how it is: conditions, its components, and rules that it took out of service. */
    async status(report: AgentStatusReport): Promise<void> {
      const bad = report.status === 'degraded' || report.status === 'unhealthy';
      const { disabled_rules: disabled } = report;
      await ifKnown(() =>
        database.transaction(async (tx) => {
          await agents.change(tx, report.agent_id, {
            ...(bad ? { reason: report.reason ?? report.status } : {}),
            ...(report.status === 'healthy' ? { reason: null } : {}),
            conditions: [
              bad
                ? {
                    type: 'degraded',
                    present: true,
                    reason: report.status,
                    message: report.reason ?? report.status,
                  }
                : { type: 'degraded', present: false },
              ...(disabled === undefined ? [] : [ruleDisabled(disabled)]),
            ],
            ...(report.components === undefined
              ? {}
              : { set: { components: JSON.stringify(report.components) } }),
          });
          if (disabled !== undefined) await recordDisabled(tx, report.agent_id, disabled);
        }),
      );
    },

    /**
     * Stores a batch; a message stored before is not stored again.
     * @returns what the database will never take, with what it said
     */
    record: (items: readonly TelemetryItem[]) => isolate(items, recordAll, isDataFault),

    async health(db: Executor, agentId: string): Promise<AgentHealth> {
      const row = await agents.get(db, agentId);
      const agent = toAgent(row);
      const last = liveness.last(agentId);
      const latest = await store.latestMetrics(db, agentId, new Date(clock.now() - DAY_MS));
      const offline = agent.conditions.some((c) => c.type === 'offline');
      return {
        agent_id: agentId,
        status: offline ? 'offline' : (last?.heartbeat.status ?? 'unknown'),
        agent_status: agent.status,
        conditions: agent.conditions,
        last_heartbeat: last === undefined ? agent.last_heartbeat : timestamp(last.at),
        uptime: last?.heartbeat.uptime ?? null,
        components: row.components,
        metrics: Object.fromEntries(latest.map(({ name, value }) => [name, value])),
        timestamp: timestamp(clock.now()),
      };
    },

    async metrics(
      db: Executor,
      agentId: string,
      query: { name?: string; from?: string; to?: string; step?: number },
    ): Promise<MetricSeries> {
      await agents.get(db, agentId);
      const to = query.to === undefined ? new Date(clock.now()) : new Date(query.to);
      const from =
        query.from === undefined ? new Date(to.getTime() - 3_600_000) : new Date(query.from);
      const stepSeconds = query.step ?? 60;
      if ((to.getTime() - from.getTime()) / 1_000 / stepSeconds > limits.metricPoints) {
        throw new OpmasError(
          'OPMAS_INVALID_REQUEST',
          `More than ${limits.metricPoints} points a series; choose a larger step or a shorter time`,
          { errors: [{ path: 'step', message: 'too small for this time span' }] },
        );
      }
      const points = await store.metricPoints(
        db,
        { agentId, name: query.name, from, to, stepSeconds },
        MAX_POINTS,
      );
      const series = new Map<string, [string, number][]>();
      for (const point of points) {
        const list = series.get(point.name) ?? [];
        list.push([point.at.toISOString(), point.value]);
        series.set(point.name, list);
      }
      return { series: [...series].map(([name, list]) => ({ name, points: list })) };
    },

    /** Topics and hosts that events came from, the longest unheard first. */
    async sources(
      db: Executor,
      query: PageRequest & { agent_id?: string; silent?: boolean },
      reach: Reach,
    ): Promise<Page<Source>> {
      const filter = { reach, agentId: query.agent_id, silent: query.silent };
      return pageOf(query, {
        rows: async (limit, after) => {
          if (after !== undefined && Number.isNaN(Date.parse(after[0]))) {
            throw new OpmasError('OPMAS_INVALID_REQUEST', 'The cursor is not one this list gave', {
              errors: [{ path: 'cursor', message: 'start again without it' }],
            });
          }
          return listSources(db, filter, limit, after);
        },
        item: toSource,
        key: (row) => [row.last_at.toISOString(), row.key],
      });
    },

    async logs(
      db: Executor,
      agentId: string,
      query: PageRequest & { level?: string; q?: string; from?: string; to?: string },
    ): Promise<Page<AgentLogRecord>> {
      await agents.get(db, agentId);
      const { level, ...others } = query;
      const filter = { ...others, ...(level === undefined ? {} : { levels: [level] }) };
      return pageOf(query, {
        rows: (limit, after) => store.listLogs(db, agentId, filter, limit, after),
        item: (row) => ({
          agent_id: row.agent_id,
          level: row.level,
          message: row.message,
          timestamp: row.timestamp.toISOString(),
          context: row.context,
        }),
        key: (row) => [row.timestamp.toISOString(), row.id],
      });
    },
  };
}

export type TelemetryService = ReturnType<typeof createTelemetryService>;

/** Stays as long as the agent has a rule out of service. */
function ruleDisabled(rules: readonly DisabledRule[]): ConditionChange {
  const type = 'rule_disabled';
  const [newest] = rules;
  if (newest === undefined) return { type, present: false };
  const others = rules.length - 1;
  const more =
    others === 0 ? '' : ` And ${others === 1 ? 'one other rule' : `${others} other rules`}.`;
  return {
    type,
    present: true,
    reason: 'time_budget',
    message: `Rule ${newest.rule_id} is out of service: it ${newest.reason}.${more} Edit it, or restart the agent`,
  };
}

function toSource({ key: _key, host, first_at, last_at, regular, ...row }: SourceRow): Source {
  return {
    ...row,
    host: host === '' ? null : host,
    first_at: first_at.toISOString(),
    last_at: last_at.toISOString(),
    silent_after: regular ? row.silent_after : null,
  };
}

/** A histogram is stored as its count and sum: enough for rates and means. */
function metricRows(key: string, report: MetricsReport): store.MetricRow[] {
  const base = {
    key,
    agent_id: report.agent_id,
    instance_id: report.instance_id ?? null,
    at: timestamp(Date.parse(report.timestamp)),
  };
  return Object.entries(report.metrics).flatMap(([name, value]) =>
    typeof value === 'number'
      ? [{ ...base, name, value }]
      : [
          { ...base, name: `${name}_count`, value: value.count },
          { ...base, name: `${name}_sum`, value: value.sum },
        ],
  );
}

function logRow(key: string, line: AgentLogLine): store.LogRow {
  return {
    key,
    id: uuidOf(key),
    agent_id: line.agent_id,
    instance_id: line.instance_id ?? null,
    level: line.level,
    message: line.message,
    context: JSON.stringify(line.context ?? {}),
    at: timestamp(Date.parse(line.timestamp)),
  };
}

/** A stable UUID (version 8) of a message key. */
function uuidOf(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
