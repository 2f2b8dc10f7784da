/** What an agent says of itself: heartbeat, status, metrics, log lines. */

import { AgentId, JsonObject, LogLevel, Timestamp, Token } from './common.ts';
import { ConfigFault } from './control.ts';
import { type Static, Type } from './typebox.ts';

/** `healthy` or a reason to look; hand-written agents may use other words. */
export const HEALTH_STATES = ['starting', 'healthy', 'degraded', 'unhealthy', 'stopping'] as const;

/**
 * `opmas.heartbeat.<agent_name>`, every 30 s by default. `uptime` in seconds. `interval`: seconds
 * until the next one, so that a listener knows which silence is long.
 */
export const Heartbeat = Type.Object({
  agent_id: AgentId,
  status: Type.String({ minLength: 1, maxLength: 32 }),
  timestamp: Timestamp,
  uptime: Type.Number({ minimum: 0 }),
  instance_id: Type.Optional(Token),
  config_version: Type.Optional(Type.Integer({ minimum: 0 })),
  config_hash: Type.Optional(Type.String({ maxLength: 64 })),
  interval: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 3600 })),
});
export type Heartbeat = Static<typeof Heartbeat>;

/** A rule that an agent took out of service. */
export const DisabledRule = Type.Object({
  rule_id: Type.String({ minLength: 1, maxLength: 128 }),
  rule_version: Type.String({ minLength: 1, maxLength: 128 }),
  /** One sentence. */
  reason: Type.String({ maxLength: 1024 }),
  since: Timestamp,
});
export type DisabledRule = Static<typeof DisabledRule>;

/** `opmas.status.<agent_name>`: sent on every change. */
export const AgentStatusReport = Type.Object({
  agent_id: AgentId,
  status: Type.String({ minLength: 1, maxLength: 32 }),
  reason: Type.Optional(Type.String({ maxLength: 1024 })),
  timestamp: Type.Optional(Timestamp),
  instance_id: Type.Optional(Token),
  components: Type.Optional(JsonObject),
  /** All of them, empty when there is none; absent: the agent does not say. */
  disabled_rules: Type.Optional(Type.Array(DisabledRule, { maxItems: 100 })),
  config: Type.Optional(
    Type.Object({
      running_hash: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      attempted_hash: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      /** The last one that proved itself, or, where none has yet, the one to go back to; null: none. */
      healthy_hash: Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Null()])),
      healthy_version: Type.Optional(
        Type.Union([Type.Integer({ minimum: 0, maximum: 2_147_483_647 }), Type.Null()]),
      ),
      error: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      /** What `error` says in one sentence, fault by fault. */
      errors: Type.Optional(Type.Array(ConfigFault, { maxItems: 50 })),
    }),
  ),
});
export type AgentStatusReport = Static<typeof AgentStatusReport>;

/** Cumulative since start; `buckets[i]` counts observations ≤ `bounds[i]` (seconds), the last is +Inf. */
export const Histogram = Type.Object({
  count: Type.Number({ minimum: 0 }),
  sum: Type.Number(),
  bounds: Type.Array(Type.Number(), { maxItems: 64 }),
  buckets: Type.Array(Type.Number({ minimum: 0 }), { maxItems: 65 }),
});
export type Histogram = Static<typeof Histogram>;

export const MetricValue = Type.Union([Type.Number(), Histogram]);
export type MetricValue = Static<typeof MetricValue>;

/** What a rule did since the instance started. */
export const RuleUsage = Type.Object({
  rule_id: Type.String({ minLength: 1, maxLength: 128 }),
  /** Events that it matched, those that came again included. */
  hits: Type.Integer({ minimum: 0 }),
  last_hit: Type.Optional(Timestamp),
  /** Of the rule alone for one event, in nanoseconds; sampled. */
  cost_ns: Type.Optional(Type.Number({ minimum: 0 })),
  /** Over its time budget, and matched by the slower, linear matcher since then. */
  slow: Type.Optional(Type.Boolean()),
});
export type RuleUsage = Static<typeof RuleUsage>;

/** A topic, or a host in it, that events came from since the instance started. */
export const EventSource = Type.Object({
  topic: Type.String({ minLength: 1, maxLength: 640 }),
  /** Absent: all of the topic. */
  host: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  first_at: Timestamp,
  last_at: Timestamp,
  /** Different seconds in which it was heard. */
  beats: Type.Integer({ minimum: 1 }),
  /** The longest silence between two of them in the last days, in seconds. */
  longest_gap: Type.Number({ minimum: 0 }),
});
export type EventSource = Static<typeof EventSource>;

/** `opmas.metrics.<agent_name>`, every 60 s by default; counters are cumulative per instance. */
export const MetricsReport = Type.Object({
  agent_id: AgentId,
  timestamp: Timestamp,
  instance_id: Type.Optional(Token),
  metrics: Type.Record(Type.String({ maxLength: 128 }), MetricValue),
  /** Rules of which something changed since the report before. */
  rules: Type.Optional(Type.Array(RuleUsage, { maxItems: 1_000 })),
  /** Sources that were heard since the report before; absent: the agent does not say. */
  sources: Type.Optional(Type.Array(EventSource, { maxItems: 2_000 })),
  /** When the hosts of some events were not noted, last. */
  sources_partial_at: Type.Optional(Timestamp),
});
export type MetricsReport = Static<typeof MetricsReport>;

/** `opmas.logs.agent.<agent_name>`: one line of the agent's own log. */
export const AgentLogLine = Type.Object({
  agent_id: AgentId,
  level: LogLevel,
  message: Type.String({ maxLength: 16_384 }),
  timestamp: Timestamp,
  instance_id: Type.Optional(Token),
  context: Type.Optional(JsonObject),
});
export type AgentLogLine = Static<typeof AgentLogLine>;

/** `opmas.deadletter.<agent_name>`: an event that could not be processed, whole, with the error. */
export const DeadLetter = Type.Object({
  agent_id: AgentId,
  agent_name: Token,
  /** Of an absence the one topic that the agent reads; empty where it reads several. */
  topic: Type.String({ maxLength: 640 }),
  event: Type.Unknown(),
  error: Type.String({ maxLength: 4096 }),
  deliveries: Type.Integer({ minimum: 1 }),
  timestamp: Timestamp,
});
export type DeadLetter = Static<typeof DeadLetter>;
