/** What an agent says of itself: heartbeat, status, metrics, log lines. */

import { AgentId, JsonObject, LogLevel, Timestamp, Token } from './common.ts';
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

/** `opmas.status.<agent_name>`: sent on every change. */
export const AgentStatusReport = Type.Object({
  agent_id: AgentId,
  status: Type.String({ minLength: 1, maxLength: 32 }),
  reason: Type.Optional(Type.String({ maxLength: 1024 })),
  timestamp: Type.Optional(Timestamp),
  instance_id: Type.Optional(Token),
  components: Type.Optional(JsonObject),
  config: Type.Optional(
    Type.Object({
      running_hash: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      attempted_hash: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      error: Type.Optional(Type.Union([Type.String(), Type.Null()])),
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

/** `opmas.metrics.<agent_name>`, every 60 s by default; counters are cumulative per instance. */
export const MetricsReport = Type.Object({
  agent_id: AgentId,
  timestamp: Timestamp,
  instance_id: Type.Optional(Token),
  metrics: Type.Record(Type.String({ maxLength: 128 }), MetricValue),
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
  topic: Type.String({ maxLength: 640 }),
  event: Type.Unknown(),
  error: Type.String({ maxLength: 4096 }),
  deliveries: Type.Integer({ minimum: 1 }),
  timestamp: Timestamp,
});
export type DeadLetter = Static<typeof DeadLetter>;
