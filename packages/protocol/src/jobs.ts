/** Jobs: a change to many agents in waves, each behind gates, with an outcome for every agent. */
import { AgentId, JsonObject, Timestamp } from './common.ts';
import { type Static, type TSchema, Type } from './typebox.ts';

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const JOB_KINDS = ['rollout', 'rollback', 'action'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

export const JOB_STATES = [
  'pending',
  'running',
  'paused',
  'rolling_back',
  'succeeded',
  'failed',
  'cancelled',
  'rolled_back',
  'expired',
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** The job is still to do something; every other state is its end. */
export const OPEN_JOB_STATES = ['pending', 'running', 'paused', 'rolling_back'] as const;

export const JOB_ACTIONS = ['start', 'stop', 'restart', 'log-level', 'tags'] as const;
export type JobAction = (typeof JOB_ACTIONS)[number];

export const JOB_OUTCOMES = [
  'pending',
  'running',
  'done',
  'failed',
  'expired',
  'skipped',
  'rolled_back',
] as const;
export type JobOutcome = (typeof JOB_OUTCOMES)[number];

export const JOB_WAVE_STATES = ['pending', 'running', 'watching', 'passed', 'closed'] as const;
export type JobWaveState = (typeof JOB_WAVE_STATES)[number];

export const JOB_GATES = ['failures', 'error_rate', 'findings_change'] as const;
export type JobGate = (typeof JOB_GATES)[number];

export const ON_FAILURE = ['rollback', 'pause', 'stop'] as const;
export type OnFailure = (typeof ON_FAILURE)[number];

/** What a gate said last. */
export const JobGateReading = Type.Object({
  gate: Type.Enum([...JOB_GATES]),
  limit: Type.Number(),
  /** Null: there was nothing to read yet. */
  reading: nullable(Type.Number()),
  closed: Type.Boolean(),
  detail: nullable(Type.String()),
});
export type JobGateReading = Static<typeof JobGateReading>;

export const JobWave = Type.Object({
  /** From 1; the first is the canary. */
  wave: Type.Integer(),
  /** As it was asked for: `1`, `10%`. */
  size: Type.String(),
  agents: Type.Integer(),
  state: Type.Enum([...JOB_WAVE_STATES]),
  reason: nullable(Type.String()),
  started_at: nullable(Timestamp),
  /** Every agent of the wave has an outcome: from here on it is watched. */
  applied_at: nullable(Timestamp),
  deadline: nullable(Timestamp),
  ended_at: nullable(Timestamp),
  gates: Type.Array(JobGateReading),
});
export type JobWave = Static<typeof JobWave>;

export const JobGates = Type.Object({
  max_failures: Type.Integer(),
  max_error_rate: nullable(Type.Number()),
  max_findings_change: nullable(Type.Number()),
  settle_seconds: Type.Integer(),
});
export type JobGates = Static<typeof JobGates>;

export const JobCounts = Type.Object({
  pending: Type.Integer(),
  running: Type.Integer(),
  done: Type.Integer(),
  failed: Type.Integer(),
  expired: Type.Integer(),
  skipped: Type.Integer(),
  rolled_back: Type.Integer(),
});
export type JobCounts = Static<typeof JobCounts>;

export const Job = Type.Object({
  job_id: Type.String(),
  kind: Type.Enum([...JOB_KINDS]),
  state: Type.Enum([...JOB_STATES]),
  /** One sentence: why the job is in this state. */
  reason: Type.String(),
  /** Until when something else happens by itself; null once it has ended. */
  deadline: nullable(Timestamp),
  /** What whoever made it said it is for. */
  purpose: nullable(Type.String()),
  /** Of rollouts: `fleet`, `group:berlin`; the version before, the new one, and the one it went back by. */
  scope: nullable(Type.String()),
  from_version: nullable(Type.Integer()),
  to_version: nullable(Type.Integer()),
  back_version: nullable(Type.Integer()),
  /** Of a rollout that was made of a stored draft. The draft is gone once its version is in force for good. */
  draft_id: nullable(Type.String()),
  action: nullable(Type.Enum([...JOB_ACTIONS])),
  arguments: nullable(JsonObject),
  selector: nullable(Type.String()),
  /** The wave in progress; null before the first. */
  wave: nullable(Type.Integer()),
  waves: Type.Array(JobWave),
  gates: JobGates,
  on_failure: Type.Enum([...ON_FAILURE]),
  pause_between: Type.Boolean(),
  deadline_seconds: Type.Integer(),
  agents: Type.Integer(),
  counts: JobCounts,
  created_by: Type.String(),
  created_at: Timestamp,
  started_at: nullable(Timestamp),
  ended_at: nullable(Timestamp),
  retry_of: nullable(Type.String()),
});
export type Job = Static<typeof Job>;

/** What became of one agent of a job. */
export const JobAgent = Type.Object({
  agent_id: AgentId,
  name: Type.String(),
  wave: Type.Integer(),
  outcome: Type.Enum([...JOB_OUTCOMES]),
  reason: nullable(Type.String()),
  started_at: nullable(Timestamp),
  ended_at: nullable(Timestamp),
});
export type JobAgent = Static<typeof JobAgent>;
