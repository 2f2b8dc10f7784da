// What a job comes to for people: its name, how it stands, how far it is, and what may be done to it.
import type { Job, JobGateReading, JobOutcome, JobState, JobWaveState } from '@opmas/protocol';
import type { Me } from '../api/resources.ts';
import type { Tone } from '../fleet/standing.ts';
import { mayEverywhere, maySomewhere } from '../lib/grants.ts';
import { visible } from '../lib/visible.ts';
import { jobsText } from '../text/jobs.ts';

export const STATE_TONES: Readonly<Record<JobState, Tone>> = {
  pending: 'busy',
  running: 'busy',
  paused: 'warn',
  rolling_back: 'warn',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'idle',
  rolled_back: 'bad',
  expired: 'bad',
};

export const OUTCOME_TONES: Readonly<Record<JobOutcome, Tone>> = {
  pending: 'idle',
  running: 'busy',
  done: 'good',
  failed: 'bad',
  expired: 'bad',
  skipped: 'idle',
  rolled_back: 'warn',
};

export const WAVE_TONES: Readonly<Record<JobWaveState, Tone>> = {
  pending: 'idle',
  running: 'busy',
  watching: 'busy',
  passed: 'good',
  closed: 'bad',
};

const OPEN: ReadonlySet<JobState> = new Set(['pending', 'running', 'paused', 'rolling_back']);

export const isOpen = ({ state }: Pick<Job, 'state'>): boolean => OPEN.has(state);

/** `Roll out fleet v3 → v4`, `Restart 12 agents`. */
export function titleOf(job: Job): string {
  const { titles } = jobsText;
  if (job.kind === 'action' && job.action !== null) {
    return titles.action(jobsText.actions[job.action] ?? visible(job.action), job.agents);
  }
  const scope = scopeWord(job.scope ?? '');
  const version = (n: number | null) => (n === null ? '' : `v${n}`);
  const from = version(job.from_version);
  const to = version(job.to_version);
  return job.kind === 'rollback'
    ? titles.rollback(scope, from, to)
    : titles.rollout(scope, from, to);
}

/** `the fleet`, `the group berlin`. */
export function scopeWord(scope: string): string {
  if (scope === 'fleet') return jobsText.scopes.fleet;
  const group = /^group:(.+)$/.exec(scope)?.[1];
  return group === undefined ? visible(scope) : jobsText.scopes.group(visible(group));
}

/** Agents with an outcome, of all. */
export function progressOf({ counts, agents }: Pick<Job, 'counts' | 'agents'>) {
  const left = counts.pending + counts.running;
  return { ended: Math.max(0, agents - left), agents };
}

export type Move = 'pause' | 'resume' | 'cancel' | 'retry';

/** What the state of a job allows. */
export function movesOf(job: Pick<Job, 'state' | 'kind' | 'counts'>): Move[] {
  switch (job.state) {
    case 'pending':
    case 'running':
      return ['pause', 'cancel'];
    case 'paused':
      return ['resume', 'cancel'];
    case 'rolling_back':
      return [];
    default:
      return job.kind === 'action' && job.counts.failed + job.counts.expired > 0 ? ['retry'] : [];
  }
}

export const ACTION_NEEDS = {
  start: 'agents:control',
  stop: 'agents:control',
  restart: 'agents:control',
  'log-level': 'configs:write',
  tags: 'agents:write',
} as const;

/** Beside jobs:write, the permission for the work; a layer of many agents needs both for all agents. */
export function mayChange(
  me: Pick<Me, 'grants'> | undefined,
  job: Pick<Job, 'kind' | 'action'>,
): boolean {
  if (job.kind !== 'action' || job.action === null) return mayRollOut(me);
  return maySomewhere(me, 'jobs:write') && maySomewhere(me, ACTION_NEEDS[job.action]);
}

export function mayRollOut(me: Pick<Me, 'grants'> | undefined): boolean {
  return mayEverywhere(me, 'jobs:write') && mayEverywhere(me, 'configs:write');
}

const PERCENT = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 2 });

/** `0 of at most 2`, `0.4 % of at most 1 %`. */
export function readingOf({ gate, reading, limit }: JobGateReading): string {
  const figure = (n: number) => (gate === 'failures' ? String(n) : PERCENT.format(n));
  return jobsText.gates.reading(
    reading === null ? jobsText.gates.nothing : figure(reading),
    figure(limit),
  );
}

/** `42 s`, `4:07 min`, `2 h 5 min`; undefined once the moment has come. */
export function timeLeft(until: string, now: number): string | undefined {
  const seconds = Math.ceil((Date.parse(until) - now) / 1_000);
  if (!(seconds > 0)) return undefined;
  const { left } = jobsText;
  if (seconds < 60) return left.seconds(seconds);
  if (seconds < 3_600) {
    return left.minutes(Math.floor(seconds / 60), String(seconds % 60).padStart(2, '0'));
  }
  return left.hours(Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60));
}
