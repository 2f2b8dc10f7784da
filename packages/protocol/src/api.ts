/** Resources of the HTTP API that more than one program reads. */

import { AgentId, JsonObject, Severity, Timestamp } from './common.ts';
import { AGENT_STATUSES, CONDITIONS, DESIRED } from './lifecycle.ts';
import { type Static, type TSchema, Type } from './typebox.ts';

export const Condition = Type.Object({
  type: Type.Enum([...CONDITIONS]),
  reason: Type.String(),
  message: Type.String(),
  since: Timestamp,
});
export type Condition = Static<typeof Condition>;

export const Agent = Type.Object({
  agent_id: AgentId,
  name: Type.String(),
  type: Type.String(),
  version: Type.String(),
  description: Type.String(),
  status: Type.Enum([...AGENT_STATUSES]),
  /** One sentence: why the agent is in this state. */
  reason: Type.Union([Type.String(), Type.Null()]),
  conditions: Type.Array(Condition),
  desired: Type.Enum([...DESIRED]),
  replicas: Type.Integer(),
  last_heartbeat: Type.Union([Timestamp, Type.Null()]),
  created_at: Timestamp,
  updated_at: Timestamp,
  config_version: Type.Integer(),
  config_hash: Type.Union([Type.String(), Type.Null()]),
  tags: Type.Array(Type.String()),
  findings_count: Type.Integer(),
  restarts: Type.Integer(),
  host_id: Type.Union([Type.String(), Type.Null()]),
  pid: Type.Union([Type.Integer(), Type.Null()]),
});
export type Agent = Static<typeof Agent>;

export const FINDING_STATUSES = ['open', 'acknowledged', 'resolved', 'muted'] as const;

/** A finding as stored: the message, where it came from, and what people did with it. */
export const FindingRecord = Type.Object({
  finding_id: Type.String(),
  agent_id: Type.String(),
  agent_name: Type.String(),
  type: Type.String(),
  severity: Severity,
  status: Type.Enum([...FINDING_STATUSES]),
  timestamp: Timestamp,
  recorded_at: Timestamp,
  topic: Type.String(),
  description: Type.String(),
  details: JsonObject,
});
export type FindingRecord = Static<typeof FindingRecord>;

export const PACKAGE_STATES = ['valid', 'invalid', 'waiting', 'running', 'ignored'] as const;

export const PackageFault = Type.Object({
  code: Type.String(),
  line: Type.Optional(Type.Integer()),
  message: Type.String(),
});
export type PackageFault = Static<typeof PackageFault>;

/** What was found of a package's signature. `publisher` is null when nobody is trusted with that key. */
export const SignatureFound = Type.Object({
  key_id: Type.String(),
  signed_at: Timestamp,
  publisher: Type.Union([Type.String(), Type.Null()]),
});
export type SignatureFound = Static<typeof SignatureFound>;

/** A key that packages may be signed with; `public_key` is PEM. */
export const Publisher = Type.Object({
  key_id: Type.String(),
  name: Type.String(),
  public_key: Type.String(),
  added_by: Type.String(),
  created_at: Timestamp,
});
export type Publisher = Static<typeof Publisher>;

export const AgentPackage = Type.Object({
  name: Type.String(),
  path: Type.String(),
  version: Type.Union([Type.String(), Type.Null()]),
  digest: Type.Union([Type.String(), Type.Null()]),
  state: Type.Enum([...PACKAGE_STATES]),
  agent_id: Type.Union([Type.String(), Type.Null()]),
  errors: Type.Array(PackageFault),
  warnings: Type.Array(PackageFault),
  /** Null: it is not signed. */
  signature: Type.Union([SignatureFound, Type.Null()]),
  /** The files that may run, who let them and when; an older digest goes on while a newer one waits. */
  approved_digest: Type.Union([Type.String(), Type.Null()]),
  approved_by: Type.Union([Type.String(), Type.Null()]),
  approved_at: Type.Union([Timestamp, Type.Null()]),
  updated_at: Timestamp,
});
export type AgentPackage = Static<typeof AgentPackage>;

export const ACTION_STATES = ['pending', 'done', 'failed', 'expired'] as const;

/** A command to an agent, with its outcome. */
export const Action = Type.Object({
  action_id: Type.String(),
  agent_id: Type.String(),
  command: Type.String(),
  state: Type.Enum([...ACTION_STATES]),
  reason: Type.Union([Type.String(), Type.Null()]),
  deadline: Timestamp,
});
export type Action = Static<typeof Action>;

export const AgentLogRecord = Type.Object({
  agent_id: Type.String(),
  level: Type.String(),
  message: Type.String(),
  timestamp: Timestamp,
  context: JsonObject,
});
export type AgentLogRecord = Static<typeof AgentLogRecord>;

export const MetricSeries = Type.Object({
  series: Type.Array(
    Type.Object({
      name: Type.String(),
      points: Type.Array(Type.Tuple([Timestamp, Type.Number()])),
    }),
  ),
});
export type MetricSeries = Static<typeof MetricSeries>;

/** The specification's health answer, with what OPMAS knows beside it. */
export const AgentHealth = Type.Object({
  agent_id: Type.String(),
  status: Type.String(),
  agent_status: Type.Enum([...AGENT_STATUSES]),
  conditions: Type.Array(Condition),
  last_heartbeat: Type.Union([Timestamp, Type.Null()]),
  uptime: Type.Union([Type.Number(), Type.Null()]),
  components: JsonObject,
  metrics: JsonObject,
  timestamp: Timestamp,
});
export type AgentHealth = Static<typeof AgentHealth>;

export const TokenPair = Type.Object({
  access_token: Type.String(),
  /** Absent when it went into a cookie. */
  refresh_token: Type.Optional(Type.String()),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer(),
});
export type TokenPair = Static<typeof TokenPair>;

export const Identity = Type.Object({
  kind: Type.Enum(['user', 'token', 'agent', 'local']),
  id: Type.String(),
  username: Type.String(),
  roles: Type.Array(Type.String()),
  /** What the roles grant now. */
  grants: Type.Array(
    Type.Object({
      permission: Type.String(),
      agents: Type.Optional(
        Type.Object({
          ids: Type.Optional(Type.Array(Type.String())),
          types: Type.Optional(Type.Array(Type.String())),
          tags: Type.Optional(Type.Array(Type.String())),
        }),
      ),
    }),
  ),
  totp_enabled: Type.Boolean(),
  /** Has a password here, rather than at a provider. */
  password: Type.Boolean(),
});
export type Identity = Static<typeof Identity>;

export const EventsAccepted = Type.Object({
  accepted: Type.Integer(),
  rejected: Type.Array(Type.Object({ index: Type.Integer(), error: Type.String() })),
});
export type EventsAccepted = Static<typeof EventsAccepted>;

/** Root `/health`. */
export const HealthReport = Type.Object({
  status: Type.Enum(['ready', 'degraded', 'unavailable']),
  components: Type.Record(
    Type.String(),
    Type.Object({
      status: Type.Enum(['up', 'degraded', 'down']),
      detail: Type.Optional(Type.String()),
    }),
  ),
  durability: Type.String(),
  version: Type.String(),
});
export type HealthReport = Static<typeof HealthReport>;

/** RFC 9457. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
  request_id: Type.String(),
  errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
  /** Of a conflict: the job that holds what was to be changed. */
  job_id: Type.Optional(Type.String()),
});
export type Problem = Static<typeof Problem>;

/** A page of a list; pass `next_cursor` back as `?cursor=`. */
export function Page<S extends TSchema>(item: S) {
  return Type.Object({
    items: Type.Array(item),
    next_cursor: Type.Union([Type.String(), Type.Null()]),
  });
}
