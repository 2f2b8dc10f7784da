// A job as people see it: name, progress, what may be done to it, and how long is left.
import {
  JOB_GATES,
  JOB_KINDS,
  JOB_OUTCOMES,
  JOB_STATES,
  JOB_WAVE_STATES,
  type JobState,
} from '@opmas/protocol';
import { expect, test } from 'vitest';
import { jobsText } from '../text/jobs.ts';
import {
  mayChange,
  movesOf,
  OUTCOME_TONES,
  progressOf,
  readingOf,
  STATE_TONES,
  timeLeft,
  titleOf,
  WAVE_TONES,
} from './model.ts';
import { aJob, someCounts } from './samples.ts';
import {
  KINDS,
  OUTCOMES,
  readJobSearch,
  readJobsSearch,
  readNewRolloutSearch,
  STATES,
} from './search.ts';

test('everything the protocol may say has its word, its tone and its place in a filter', () => {
  expect([...STATES].sort()).toEqual([...JOB_STATES].sort());
  expect([...KINDS].sort()).toEqual([...JOB_KINDS].sort());
  expect([...OUTCOMES].sort()).toEqual([...JOB_OUTCOMES].sort());
  expect(Object.keys(STATE_TONES).sort()).toEqual([...JOB_STATES].sort());
  expect(Object.keys(OUTCOME_TONES).sort()).toEqual([...JOB_OUTCOMES].sort());
  expect(Object.keys(WAVE_TONES).sort()).toEqual([...JOB_WAVE_STATES].sort());
  expect(Object.keys(jobsText.gates)).toEqual(expect.arrayContaining([...JOB_GATES]));
});

test('addresses give filters, and drop what they do not know', () => {
  expect(readJobsSearch({ state: 'paused', kind: 'party', x: '1' })).toEqual({ state: 'paused' });
  expect(readJobSearch({ outcome: 'failed' })).toEqual({ outcome: 'failed' });
  expect(readNewRolloutSearch({ scope: 'group:berlin' })).toEqual({ scope: 'group:berlin' });
  for (const scope of ['agent:x', 'group:', 'group:../x', 7]) {
    expect(readNewRolloutSearch({ scope })).toEqual({});
  }
});

test('a job is named by what it does', () => {
  expect(titleOf(aJob())).toBe('Roll out the fleet v3 → v4');
  expect(titleOf(aJob({ kind: 'rollback', scope: 'group:berlin' }))).toBe(
    'Roll back the group berlin v3 → v4',
  );
  const action = { kind: 'action', action: 'restart', scope: null } as const;
  expect(titleOf(aJob({ ...action, agents: 1 }))).toBe('Restart: 1 agent');
});

test('progress counts every agent that has an outcome, whichever', () => {
  const counts = someCounts({ pending: 2, running: 3, done: 4, failed: 1, skipped: 2 });
  expect(progressOf({ counts, agents: 12 })).toEqual({ ended: 7, agents: 12 });
});

test.each<[JobState, string[]]>([
  ['pending', ['pause', 'cancel']],
  ['running', ['pause', 'cancel']],
  ['paused', ['resume', 'cancel']],
  ['rolling_back', []],
  ['failed', ['retry']],
  ['succeeded', ['retry']],
])('a job that is %s may be: %j', (state, moves) => {
  const counts = someCounts({ expired: 1 });
  expect(movesOf({ kind: 'action', state, counts })).toEqual(moves);
});

test('a rollout is not tried again, nor an action without failures', () => {
  expect(movesOf(aJob({ state: 'rolled_back', counts: someCounts({ failed: 3 }) }))).toEqual([]);
  expect(movesOf(aJob({ kind: 'action', state: 'succeeded' }))).toEqual([]);
});

test('both permissions are needed: for jobs, and for the work', () => {
  const me = (...grants: string[]) => ({ grants: grants.map((permission) => ({ permission })) });
  const action = { kind: 'action', action: 'restart' } as const;
  const rollout = { kind: 'rollout', action: null } as const;
  expect(mayChange(me('jobs:write'), action)).toBe(false);
  expect(mayChange(me('jobs:write', 'agents:control'), action)).toBe(true);
  expect(mayChange(me('jobs:*', 'configs:*'), rollout)).toBe(true);
  const limited = [{ permission: '*', agents: { types: ['wifi'] } }];
  expect(mayChange({ grants: limited }, rollout)).toBe(false);
  expect(mayChange({ grants: limited }, action)).toBe(true);
});

test('a gate tells its reading beside its bound', () => {
  const gate = { limit: 0.05, reading: 0.0025, closed: false, detail: null };
  expect(readingOf({ ...gate, gate: 'error_rate' })).toBe('0.25% of at most 5%');
  expect(readingOf({ ...gate, gate: 'error_rate', reading: null })).toBe(
    'nothing to read of at most 5%',
  );
  expect(readingOf({ ...gate, gate: 'failures', reading: 2, limit: 1 })).toBe('2 of at most 1');
});

test('a deadline counts down and ends', () => {
  const now = Date.parse('2026-11-21T09:00:00.000Z');
  const left = (seconds: number) => timeLeft(new Date(now + seconds * 1000).toISOString(), now);
  expect([left(59), left(60), left(247), left(7_500)]).toEqual([
    '59 s',
    '1:00 min',
    '4:07 min',
    '2 h 5 min',
  ]);
  expect([left(0), left(-5), timeLeft('soon', now)]).toEqual([undefined, undefined, undefined]);
});
