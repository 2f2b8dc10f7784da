// An agent's standing must name its worst trouble, and nothing that is none.
import { AGENT_STATUSES, CONDITIONS, type ConditionType } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { anAgent } from '../lib/samples.ts';
import { text } from '../text.ts';
import { standing } from './standing.ts';

const condition = (type: ConditionType, message = `because ${type}`) => ({
  type,
  reason: type,
  message,
  since: '2026-11-21T09:00:00.000Z',
});

test('every status and condition of the protocol has a word and a place', () => {
  for (const status of AGENT_STATUSES) {
    expect(text.status[standing(anAgent({ status, desired: 'stopped' })).key]).toBeTruthy();
  }
  for (const type of CONDITIONS) {
    const { key, rank } = standing(anAgent({ conditions: [condition(type)] }));
    expect(key).toBe(type);
    expect(rank).toBeGreaterThan(standing(anAgent()).rank);
  }
});

test('a healthy agent is running, without a reason', () => {
  expect(standing(anAgent({ reason: 'heartbeat received' }))).toMatchObject({
    key: 'running',
    group: 'running',
    reason: null,
    hint: null,
  });
});

test('the worst of several conditions is shown, with its reason and the next step', () => {
  const agent = anAgent({
    conditions: [condition('late'), condition('offline'), condition('degraded')],
  });
  expect(standing(agent)).toMatchObject({
    key: 'offline',
    tone: 'bad',
    group: 'attention',
    reason: 'because offline',
    hint: 'opmas agents restart security_agent',
  });
});

test('failed stays failed beside a lesser condition, and takes its reason when it has none', () => {
  const agent = anAgent({ status: 'failed', reason: null, conditions: [condition('backoff')] });
  expect(standing(agent)).toMatchObject({ key: 'failed', reason: 'because backoff' });
});

test('an agent stopped on purpose needs no attention, however long it is silent', () => {
  const agent = anAgent({
    status: 'stopped',
    desired: 'stopped',
    conditions: [condition('offline')],
  });
  expect(standing(agent)).toMatchObject({ key: 'stopped', group: 'stopped' });
});

test('an agent that should run and is stopped needs attention', () => {
  expect(standing(anAgent({ status: 'stopped' }))).toMatchObject({
    key: 'should_run',
    group: 'attention',
  });
});
