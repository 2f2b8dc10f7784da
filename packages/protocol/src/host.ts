/** Server ↔ host: what shall run (KV, one key an agent), what does run, and the launch ticket. */

import { AgentId, Timestamp, Token } from './common.ts';
import { Slot } from './registration.ts';
import { type Static, Type } from './typebox.ts';

/** Value of KV key `desired.<host_id>.<agent_id>`. A deleted key means: stop and forget. */
export const DesiredAgent = Type.Object({
  agent_id: AgentId,
  agent_name: Token,
  agent_type: Token,
  version: Type.String({ maxLength: 64 }),
  desired: Type.Enum(['running', 'stopped']),
  /** Grows with every command; a higher one with the same content means: restart. */
  generation: Type.Integer({ minimum: 0 }),
  /** Folder of this version in the package store. */
  package_dir: Type.String({ maxLength: 4096 }),
  /** Of the files that were approved: a host starts no others. */
  package_digest: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** `code`: agent.ts is run; `rules`: the built-in rules agent. */
  entry: Type.Enum(['code', 'rules']),
  limits: Type.Object({
    memory_bytes: Type.Optional(Type.Integer({ minimum: 0 })),
    cpus: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  }),
});
export type DesiredAgent = Static<typeof DesiredAgent>;

/** How the reason of a refused start begins when the package's files are not those that were approved. */
export const PACKAGE_ALTERED = 'package_digest_mismatch';

export const INSTANCE_STATES = [
  'starting',
  'ready',
  'stopping',
  'stopped',
  'backoff',
  'failed',
  'waiting_config',
] as const;
export type InstanceState = (typeof INSTANCE_STATES)[number];

/** One process as the host sees it. Times are RFC 3339; `pid` is null when none runs. */
export const InstanceReport = Type.Object({
  agent_id: AgentId,
  agent_name: Token,
  instance_id: Type.Union([Token, Type.Null()]),
  state: Type.Enum([...INSTANCE_STATES]),
  reason: Type.Union([Type.String({ maxLength: 1024 }), Type.Null()]),
  pid: Type.Union([Type.Integer(), Type.Null()]),
  started_at: Type.Union([Timestamp, Type.Null()]),
  restarts: Type.Integer({ minimum: 0 }),
  next_start_at: Type.Union([Timestamp, Type.Null()]),
  /** Of the wish this state answers: the one launched for, or the one that it be stopped. */
  generation: Type.Integer({ minimum: 0 }),
});
export type InstanceReport = Static<typeof InstanceReport>;

/** `opmas.host.<host_id>.actual`: on every change, and every 5 s. */
export const HostReport = Type.Object({
  host_id: Token,
  hostname: Type.String({ maxLength: 255 }),
  boot_id: Type.String({ maxLength: 64 }),
  pid: Type.Integer(),
  started_at: Timestamp,
  timestamp: Timestamp,
  instances: Type.Array(InstanceReport, { maxItems: 10_000 }),
});
export type HostReport = Static<typeof HostReport>;

/** Request on `opmas.host.<host_id>.launch`: the host is about to start this agent. */
export const LaunchRequest = Type.Object({
  agent_id: AgentId,
  instance_id: Token,
  slot: Type.Optional(Slot),
  /** Does the agent's folder hold a key and credentials of an earlier launch? */
  enrolled: Type.Boolean(),
});
export type LaunchRequest = Static<typeof LaunchRequest>;

/** The answer: a one-time token when the agent must register, the environment layer, and where. */
export const LaunchTicket = Type.Object({
  ok: Type.Boolean(),
  error: Type.Optional(Type.String()),
  management_url: Type.Optional(Type.String()),
  registration_token: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  env: Type.Optional(Type.Record(Type.String(), Type.String())),
});
export type LaunchTicket = Static<typeof LaunchTicket>;

/**
 * `opmas.collector.<host_id>.stats`: every 10 s and at the end. Counts of events since `started_at`;
 * `connections` and `queued` are gauges.
 */
export const CollectorStats = Type.Object({
  host_id: Token,
  timestamp: Timestamp,
  started_at: Timestamp,
  received: Type.Integer({ minimum: 0 }),
  /** Events the broker has acknowledged. */
  published: Type.Integer({ minimum: 0 }),
  /** Datagrams dropped because the buffer was full while the broker was slow or away. */
  dropped_udp: Type.Integer({ minimum: 0 }),
  /** Datagrams the kernel dropped before the collector could read them. */
  kernel_drops: Type.Integer({ minimum: 0 }),
  /** Empty or cut lines, events the broker refuses for good, connections refused at the cap. */
  rejected: Type.Integer({ minimum: 0 }),
  connections: Type.Integer({ minimum: 0 }),
  queued: Type.Integer({ minimum: 0 }),
});
export type CollectorStats = Static<typeof CollectorStats>;
