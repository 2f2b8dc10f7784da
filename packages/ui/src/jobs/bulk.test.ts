// What is typed for a job becomes a request, or a fault at its field; offered is what is granted for every agent.
import { JOB_ACTIONS, LOG_LEVELS } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { anAgent } from '../lib/samples.ts';
import { ACTIONS, LEVELS, newBulk, offered, readBulk } from './bulk.ts';
import { newPlan, readPlan } from './plan.ts';

test('every action and level of the protocol can be chosen', () => {
  expect(ACTIONS).toEqual(JOB_ACTIONS);
  expect(LEVELS).toEqual(LOG_LEVELS);
});

test('a plan as it stands there is what the server does without being told', () => {
  expect(readPlan(newPlan('rollback', 30))).toEqual({
    ok: true,
    plan: {
      waves: ['1', '10%', '100%'],
      gates: { max_failures: 0, settle_seconds: 30 },
      deadline_seconds: 300,
      on_failure: 'rollback',
      pause_between: false,
    },
  });
});

test('percentages become shares, and empty ones are not asked', () => {
  const plan = { ...newPlan('stop', 0), errorRate: '2.5', findings: '200', waves: '5 50%' };
  expect(readPlan(plan)).toMatchObject({
    ok: true,
    plan: { waves: ['5', '50%'], gates: { max_error_rate: 0.025, max_findings_change: 2 } },
  });
});

test.each([
  ['waves', ''],
  ['waves', '0'],
  ['waves', '0%'],
  ['waves', '101%'],
  ['waves', Array.from({ length: 21 }, () => '1').join(',')],
  ['maxFailures', '-1'],
  ['errorRate', '101'],
  ['findings', 'many'],
  ['settle', '86401'],
  ['deadline', '9'],
] as const)('%s of %j is told at its field', (name, value) => {
  const read = readPlan({ ...newPlan('stop', 0), [name]: value });
  expect(read.ok ? [] : Object.keys(read.faults)).toEqual([name]);
});

test('an action names its agents and what it needs to know', () => {
  const level = {
    ...newBulk('log-level'),
    level: 'debug' as const,
    expires: '15',
    reason: ' why ',
  };
  expect(readBulk('log-level', ['a', 'b'], level)).toMatchObject({
    ok: true,
    body: {
      kind: 'action',
      action: 'log-level',
      agent_ids: ['a', 'b'],
      arguments: { level: 'debug', expires_in: 900 },
      reason: 'why',
    },
  });
  const restart = readBulk('restart', ['a'], newBulk('restart'));
  expect(restart.ok && 'arguments' in restart.body).toBe(false);
  const tags = { ...newBulk('tags'), add: ['x'], remove: ['y'] };
  expect(readBulk('tags', ['a'], tags)).toMatchObject({
    ok: true,
    body: { arguments: { add: ['x'], remove: ['y'] } },
  });
});

test('what is missing or contradicts itself is told', () => {
  expect(readBulk('tags', ['a'], newBulk('tags'))).toMatchObject({
    ok: false,
    faults: { tags: expect.any(String) as string },
  });
  expect(readBulk('tags', ['a'], { ...newBulk('tags'), add: ['x'], remove: ['x'] }).ok).toBe(false);
  for (const expires of ['0', '43201', '1.5', 'soon']) {
    expect(readBulk('log-level', ['a'], { ...newBulk('log-level'), expires })).toMatchObject({
      ok: false,
      faults: { expires: expect.any(String) as string },
    });
  }
});

test('offered is what every chosen agent may be told, by who may start jobs on it', () => {
  const agents = [anAgent(), anAgent({ agent_id: 'wifi-1', type: 'wifi' })];
  const me = (...grants: { permission: string; agents?: { types: string[] } }[]) => ({ grants });
  expect(offered(me({ permission: '*' }), agents)).toEqual(ACTIONS);
  expect(offered(me({ permission: '*' }), [])).toEqual([]);
  expect(offered(me({ permission: 'agents:*' }), agents)).toEqual([]);
  expect(offered(me({ permission: 'jobs:*' }, { permission: 'agents:control' }), agents)).toEqual([
    'start',
    'stop',
    'restart',
  ]);
  const wifi = { permission: '*', agents: { types: ['wifi'] } };
  expect(offered(me(wifi), agents)).toEqual([]);
  expect(offered(me(wifi), agents.slice(1))).toEqual(ACTIONS);
});
