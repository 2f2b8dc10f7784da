/** A job as data: its rows, its states, and what is answered of it. Pure. */
import {
  JOB_OUTCOMES,
  type Job,
  type JobAction,
  type JobAgent,
  type JobCounts,
  type JobGateReading,
  type JobGates,
  type JobKind,
  type JobOutcome,
  type JobState,
  type JobWave,
  type JobWaveState,
  type OnFailure,
} from '@opmas/protocol';
import type { Caller } from '../../operation.ts';
import { FLEET, groupScope, labelOf, type ScopeRef } from '../configs/index.ts';
import { jobLimits } from './limits.ts';

/** A move that is not here is not made. */
export const MOVES: Readonly<Record<JobState, readonly JobState[]>> = {
  pending: ['running', 'paused', 'rolling_back', 'failed', 'cancelled', 'expired'],
  running: ['paused', 'rolling_back', 'succeeded', 'failed', 'cancelled'],
  paused: ['pending', 'running', 'rolling_back', 'succeeded', 'failed', 'cancelled', 'expired'],
  rolling_back: ['rolled_back', 'cancelled', 'expired', 'failed'],
  succeeded: [],
  failed: [],
  cancelled: [],
  rolled_back: [],
  expired: [],
};

export const isOpen = (state: JobState): boolean => MOVES[state].length > 0;

/** How the job goes about it. */
export interface Plan {
  gates: JobGates;
  on_failure: OnFailure;
  pause_between: boolean;
  deadline_seconds: number;
}

export type Author = Pick<Caller, 'kind' | 'id' | 'name'>;

export interface JobRow {
  job_id: string;
  kind: JobKind;
  state: JobState;
  reason: string;
  purpose: string | null;
  scope: 'fleet' | 'group' | null;
  scope_id: string | null;
  from_version: number | null;
  to_version: number | null;
  back_version: number | null;
  action: JobAction | null;
  arguments: ActionArguments | null;
  selector: string | null;
  plan: Plan;
  wave: number | null;
  deadline: Date | null;
  ends_as: JobState | null;
  ends_reason: string | null;
  created_by: Author;
  retry_of: string | null;
  /** The draft that a rollout was made of. */
  draft_id: string | null;
  created_at: Date;
  started_at: Date | null;
  paused_at: Date | null;
  ended_at: Date | null;
}

export interface ActionArguments {
  level?: string;
  expires_in?: number;
  add?: string[];
  remove?: string[];
}

export interface WaveRow {
  job_id: string;
  wave: number;
  size: string;
  state: JobWaveState;
  reason: string | null;
  started_at: Date | null;
  applied_at: Date | null;
  deadline: Date | null;
  ended_at: Date | null;
  gates: JobGateReading[];
}

/** What an agent was like before its turn. */
export interface Before {
  status: string;
  conditions: string[];
  restarts: number;
  instance_id: string | null;
}

export interface JobAgentRow {
  job_id: string;
  agent_id: string;
  wave: number;
  place: number;
  outcome: JobOutcome;
  reason: string | null;
  before: Before | null;
  action_id: string | null;
  failed_wave: number | null;
  started_at: Date | null;
  ended_at: Date | null;
}

/** The layer a rollout is about. */
export function scopeOf({ job_id, scope, scope_id }: JobRow): ScopeRef {
  if (scope === 'fleet') return FLEET;
  if (scope === 'group') return groupScope(scope_id ?? '');
  throw new Error(`job ${job_id} has no layer`);
}

export const isRollout = ({ kind }: Pick<JobRow, 'kind'>): boolean => kind !== 'action';

export interface WaveView extends WaveRow {
  agents: number;
}

export function toJob(
  row: JobRow,
  waves: readonly WaveView[],
  counts: Partial<Record<JobOutcome, number>>,
): Job {
  const all = Object.fromEntries(
    JOB_OUTCOMES.map((outcome) => [outcome, counts[outcome] ?? 0]),
  ) as JobCounts;
  return {
    job_id: row.job_id,
    kind: row.kind,
    state: row.state,
    reason: row.reason,
    deadline: timeOf(row.deadline),
    purpose: row.purpose,
    scope: isRollout(row) ? labelOf(scopeOf(row)) : null,
    from_version: row.from_version,
    to_version: row.to_version,
    back_version: row.back_version,
    draft_id: row.draft_id,
    action: row.action,
    arguments: row.arguments === null ? null : { ...row.arguments },
    selector: row.selector,
    wave: row.wave,
    waves: waves.map(toWave),
    gates: row.plan.gates,
    on_failure: row.plan.on_failure,
    pause_between: row.plan.pause_between,
    deadline_seconds: row.plan.deadline_seconds,
    agents: Object.values(all).reduce((sum, n) => sum + n, 0),
    counts: all,
    created_by: row.created_by.name,
    created_at: row.created_at.toISOString(),
    started_at: timeOf(row.started_at),
    ended_at: timeOf(row.ended_at),
    retry_of: row.retry_of,
  };
}

function toWave(view: WaveView): JobWave {
  const { job_id: _, ...row } = view;
  return {
    ...row,
    started_at: timeOf(row.started_at),
    applied_at: timeOf(row.applied_at),
    deadline: timeOf(row.deadline),
    ended_at: timeOf(row.ended_at),
  };
}

export function toJobAgent(row: JobAgentRow & { name: string }): JobAgent {
  const { agent_id, name, wave, outcome, reason } = row;
  const { started_at, ended_at } = row;
  return {
    agent_id,
    name,
    wave,
    outcome,
    reason,
    started_at: timeOf(started_at),
    ended_at: timeOf(ended_at),
  };
}

const timeOf = (at: Date | null): string | null => at?.toISOString() ?? null;

/** Reasons hold what agents say: they are cut. */
export function cut(text: string): string {
  const { reasonChars } = jobLimits;
  return text.length <= reasonChars ? text : `${text.slice(0, reasonChars - 1)}…`;
}

/** `wave 1 (canary)` */
export const waveName = (wave: number): string => (wave === 1 ? 'wave 1 (canary)' : `wave ${wave}`);

/** `1 agent`, `5 agents` */
export const agentsText = (count: number): string => `${count} ${count === 1 ? 'agent' : 'agents'}`;
