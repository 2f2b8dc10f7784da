/** What counts against a change, and what does not: agent by agent. */
import type { Condition } from '@opmas/protocol';
import { expect, test } from 'vitest';
import {
  afterCommand,
  afterConfig,
  afterReturn,
  beforeOf,
  type Facts,
  whileWatched,
} from './verdict.ts';

const facts = (more: Partial<Facts> = {}): Facts => ({
  id: 'a',
  name: 'a',
  type: 'x',
  status: 'running',
  desired: 'running',
  reason: null,
  conditions: [],
  restarts: 0,
  config_hash: 'new',
  instance_id: 'i1',
  isElsewhere: false,
  delivery: { desired_hash: 'new', state: 'pending', errors: [] },
  action: undefined,
  ...more,
});
const condition = (type: Condition['type']): Condition => ({
  type,
  reason: 'x',
  message: 'm',
  since: '2026-01-01T00:00:00.000Z',
});
const delivered = (state: string, hash = 'new') => ({
  delivery: { desired_hash: hash, state, errors: [{ path: 'a.b', message: 'is bad' }] },
});
const well = beforeOf(facts());
const outcomeOf = (now: Partial<Facts>, before = well) => afterConfig(before, facts(now))?.outcome;

test('a configuration is taken when it is confirmed, and not before', () => {
  expect(outcomeOf({})).toBeUndefined();
  expect(outcomeOf({ delivery: undefined })).toBeUndefined();
  expect(outcomeOf(delivered('applied'))).toBe('done');
  // A word on what it ran before says nothing of the new one.
  expect(outcomeOf(delivered('applied', 'old'))).toBeUndefined();
  expect(outcomeOf(delivered('rejected', 'old'))).toBeUndefined();
  expect(afterConfig(well, facts(delivered('rejected')))).toEqual({
    outcome: 'failed',
    reason: 'rejected: a.b: is bad',
  });
  expect(outcomeOf(delivered('expired'))).toBe('expired');
});

test.each([
  ['it fails', { status: 'failed', reason: 'exit code 1' }],
  ['a condition is new', { conditions: [condition('degraded')] }],
  ['its process is started again', { restarts: 1 }],
  ['its process on another machine is another one', { isElsewhere: true, instance_id: 'i2' }],
])('it counts when %s, while it takes the change and while it is watched', (_, now) => {
  const before = beforeOf(facts({ isElsewhere: true }));
  expect(outcomeOf({ ...delivered('applied'), ...now }, before)).toBe('failed');
  expect(whileWatched(before, facts({ ...delivered('applied'), ...now }))?.outcome).toBe('failed');
});

test('what passes by itself does not count', () => {
  const conditions = (['starting', 'late', 'config_pending'] as const).map(condition);
  expect(outcomeOf({ ...delivered('applied'), conditions })).toBe('done');
  expect(whileWatched(well, facts({ conditions }))).toBeUndefined();
});

test.each([
  ['it had failed', { status: 'failed' }],
  ['it was to run and did not', { status: 'stopped' }],
  ['it was offline', { conditions: [condition('offline')] }],
  ['it was started again and again', { conditions: [condition('backoff')], restarts: 3 }],
])('it does not count when before %s; that it took the change does', (_, was) => {
  const before = beforeOf(facts(was));
  expect(outcomeOf({ ...was, ...delivered('rejected') }, before)).toBe('skipped');
  expect(outcomeOf({ ...was, ...delivered('expired') }, before)).toBe('skipped');
  expect(outcomeOf(delivered('applied'), before)).toBe('done');
});

test('who does not run, or is gone, is skipped; also on the way back it is not waited for', () => {
  expect(outcomeOf({ desired: 'stopped' })).toBe('skipped');
  expect(outcomeOf({ status: 'removed' })).toBe('skipped');
  expect(afterReturn(facts({ desired: 'stopped' }))?.outcome).toBe('rolled_back');
  expect(afterReturn(facts({ status: 'removed' }))?.outcome).toBe('skipped');
  expect(afterReturn(facts(delivered('applied')))?.outcome).toBe('rolled_back');
  expect(afterReturn(facts(delivered('applied', 'old')))).toBeUndefined();
  expect(afterReturn(facts({ ...delivered('applied'), status: 'failed' }))).toBeUndefined();
});

test('given up while it is watched: rejected after it was taken', () => {
  expect(whileWatched(well, facts(delivered('rejected')))).toEqual({
    outcome: 'failed',
    reason: 'given up: a.b: is bad',
  });
});

test('a command ends as its action does', () => {
  const outcome = (state: string, before = well) =>
    afterCommand(before, facts({ action: { state, reason: 'why' } }))?.outcome;
  expect(outcome('pending')).toBeUndefined();
  expect(outcome('done')).toBe('done');
  expect(outcome('failed')).toBe('failed');
  expect(outcome('expired')).toBe('expired');
  expect(outcome('failed', beforeOf(facts({ status: 'failed' })))).toBe('skipped');
  expect(afterCommand(well, facts())).toBeUndefined();
});
