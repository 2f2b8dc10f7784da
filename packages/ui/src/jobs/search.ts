// What the addresses of the jobs' screens say.
import type { JobKind, JobOutcome, JobState } from '@opmas/protocol';
import { chosen, words } from '../lib/search.ts';
import { limits } from '../limits.ts';

export const KINDS = ['rollout', 'rollback', 'action'] as const satisfies readonly JobKind[];

export const STATES = [
  'running',
  'pending',
  'paused',
  'rolling_back',
  'failed',
  'rolled_back',
  'expired',
  'cancelled',
  'succeeded',
] as const satisfies readonly JobState[];

/** Worst first: who looks at a job looks for these. */
export const OUTCOMES = [
  'failed',
  'expired',
  'running',
  'pending',
  'rolled_back',
  'skipped',
  'done',
] as const satisfies readonly JobOutcome[];

export interface JobsFilter {
  state?: JobState;
  kind?: JobKind;
}

export function readJobsSearch(search: Record<string, unknown>): JobsFilter {
  const [state] = chosen(search['state'], STATES);
  const [kind] = chosen(search['kind'], KINDS);
  return { ...(state ? { state } : {}), ...(kind ? { kind } : {}) };
}

export interface JobSearch {
  outcome?: JobOutcome;
}

export function readJobSearch(search: Record<string, unknown>): JobSearch {
  const [outcome] = chosen(search['outcome'], OUTCOMES);
  return outcome ? { outcome } : {};
}

export interface NewRolloutSearch {
  /** `fleet`, or `group:<name>`. */
  scope?: string;
  /** The version to go back to, instead of a new one. */
  back?: string;
  /** A stored draft instead of a layer. */
  draft?: string;
}

export function readNewRolloutSearch(search: Record<string, unknown>): NewRolloutSearch {
  const scope = words(search['scope'], limits.idChars);
  const back = search['back'];
  const draft = words(search['draft'], limits.idChars);
  if (draft) return { draft };
  return {
    ...(scope && isScope(scope) ? { scope } : {}),
    ...(typeof back === 'string' && /^\d{1,9}$/.test(back) ? { back: String(Number(back)) } : {}),
  };
}

export function isScope(scope: string): boolean {
  return scope === 'fleet' || /^group:[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(scope);
}
