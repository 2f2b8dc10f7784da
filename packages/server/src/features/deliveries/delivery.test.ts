/** What a delivery is, by reports and deadlines alone. */
import { expect, test } from 'vitest';
import { type Case, conditionChanges, judge, livingInstances, reasonOf } from './delivery.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const at = (ms: number) => new Date(NOW + ms);
const WANTED = 'w'.repeat(64);
const OTHER = 'o'.repeat(64);

const word = (more: Partial<Case['instances'][number]> = {}): Case['instances'][number] => ({
  instance_id: 'i1',
  running_hash: OTHER,
  attempted_hash: null,
  errors: [],
  healthy_hash: null,
  healthy_version: null,
  interval_s: 30,
  first_heard: at(-60_000),
  last_heard: at(-1_000),
  ...more,
});

function given(
  more: {
    delivery?: Partial<Case['delivery']>;
    agent?: Partial<Case['agent']>;
    instances?: Case['instances'];
    former?: string[];
  } = {},
): Case {
  return {
    delivery: {
      agent_id: 'a',
      desired_hash: WANTED,
      state: 'pending',
      since: at(-5_000),
      offered_at: at(-5_000),
      deadline: at(25_000),
      sent_at: at(-5_000),
      next_send_at: null,
      attempts: 1,
      expiries: 0,
      settled_at: null,
      errors: [],
      forced: false,
      topics: [],
      left_behind: [],
      ...more.delivery,
    },
    agent: {
      name: 'A',
      status: 'running',
      desired: 'running',
      replicas: 1,
      conditions: [],
      topics: [],
      ...more.agent,
    },
    instances: more.instances ?? [word()],
    former: more.former ?? [],
  };
}

test('whoever runs it, and has refused another one since, is told; but not waited for beyond the deadline', () => {
  const faults = [{ path: 'limit', message: 'is more than 10' }];
  const refused = word({ running_hash: WANTED, attempted_hash: OTHER, errors: faults });
  expect(judge(given({ instances: [refused] }), NOW).state).toBe('pending');
  expect(judge(given({ instances: [refused] }), NOW + 25_000).state).toBe('applied');
  const told = word({ running_hash: WANTED, attempted_hash: WANTED });
  expect(judge(given({ instances: [told] }), NOW).state).toBe('applied');
  const applied = given({ delivery: { state: 'applied' }, instances: [refused] });
  expect(judge(applied, NOW).state).toBe('applied');
});

test('it is applied when every instance that counts runs it, and not before', () => {
  const both = [word({ running_hash: WANTED }), word({ instance_id: 'i2' })];
  expect(judge(given({ agent: { replicas: 2 }, instances: both }), NOW).state).toBe('pending');
  expect(judge(given({ agent: { replicas: 2 }, instances: both, former: ['i2'] }), NOW).state).toBe(
    'applied',
  );
  expect(judge(given({ instances: [] }), NOW).state).toBe('pending');
});

test('an instance counts while it was heard lately, and no more than there are replicas', () => {
  const old = word({ instance_id: 'old', last_heard: at(-151_000) });
  const first = word({ instance_id: 'first', first_heard: at(-90_000) });
  const ids = (replicas: number) =>
    livingInstances(given({ agent: { replicas }, instances: [old, first, word()] }), NOW).map(
      ({ instance_id }) => instance_id,
    );
  expect(ids(1)).toEqual(['i1']);
  expect(ids(5)).toEqual(['i1', 'first']);
});

test('a refusal of this hash rejects it, one of another hash does not, and a forced try waits for its answer', () => {
  const errors = [{ path: 'x', message: 'no' }];
  const refused = [word({ attempted_hash: WANTED, errors })];
  expect(judge(given({ instances: refused }), NOW)).toMatchObject({ state: 'rejected', errors });
  const another = [word({ attempted_hash: OTHER, errors })];
  expect(judge(given({ instances: another }), NOW).state).toBe('pending');
  expect(judge(given({ delivery: { forced: true }, instances: refused }), NOW).state).toBe(
    'pending',
  );
});

test('a host that cannot start the agent with it rejects it, unless that was before', () => {
  const exit = (since: Date) =>
    ({
      type: 'config_rejected',
      reason: 'exit_78',
      message: 'refused its configuration (exit code 78)',
      since: since.toISOString(),
    }) as const;
  const failed = (since: Date) =>
    given({ agent: { status: 'failed', conditions: [exit(since)] }, instances: [] });
  expect(judge(failed(at(-1_000)), NOW)).toMatchObject({
    state: 'rejected',
    errors: [{ path: '', message: 'refused its configuration (exit code 78)' }],
  });
  // Nobody answers a try that was asked for when the agent ends at once.
  const again = failed(at(-1_000));
  again.delivery.forced = true;
  expect(judge(again, NOW).state).toBe('rejected');
  const before = failed(at(-9_000));
  expect(judge(before, NOW).state).toBe('pending');
  // The host's word stays until the agent has started.
  expect(conditionChanges(before, judge(before, NOW), NOW)).toEqual([]);
});

test('what is late is expired and says why: what kept it from being told, else what was heard', () => {
  const deadline = at(-1);
  const late = (more: Parameters<typeof given>[0]) =>
    judge(given({ ...more, delivery: { deadline, ...more?.delivery } }), NOW);
  expect(late({}).errors[0]?.message).toContain('has not answered and runs oooooooooooo');
  expect(late({ instances: [] }).errors[0]?.message).toContain('No instance was heard');
  expect(late({ instances: [word({ running_hash: null })] }).errors[0]?.message).toContain(
    'does not say which configuration it runs',
  );
  const unsent = [{ path: '', message: 'It could not be sent: no' }];
  expect(late({ delivery: { deadline, errors: unsent } })).toMatchObject({
    state: 'expired',
    errors: unsent,
  });
});

test('an agent that speaks after it was settled, and runs something else, is told again', () => {
  for (const state of ['applied', 'expired']) {
    const settled = { state, settled_at: at(-2_000), errors: [{ path: '', message: 'x' }] };
    expect(judge(given({ delivery: settled }), NOW)).toMatchObject({
      state: 'pending',
      reopened: true,
    });
    const silent = [word({ last_heard: at(-3_000) })];
    expect(judge(given({ delivery: settled, instances: silent }), NOW)).toMatchObject({ state });
  }
  const rejected = given({ delivery: { state: 'rejected', settled_at: at(-2_000) } });
  expect(judge(rejected, NOW).state).toBe('rejected');
});

test('reasons: not running, waiting, told, unsent; and none when it is applied', () => {
  expect(reasonOf(given({ agent: { desired: 'stopped' } }))).toContain('does not run');
  expect(reasonOf(given({ delivery: { offered_at: null } }))).toBe('Waits for its turn');
  expect(reasonOf(given())).toBe('Told; no answer yet');
  expect(reasonOf(given({ delivery: { errors: [{ path: 'a', message: 'b' }] } }))).toBe('a: b');
  expect(reasonOf(given({ delivery: { state: 'applied' } }))).toBeNull();
});

test('a pending one shows after three seconds, an expired one until it is confirmed', () => {
  const change = (delivery: Partial<Case['delivery']>) => {
    const one = given({ delivery });
    return conditionChanges(one, judge(one, NOW), NOW).map(({ type }) => type);
  };
  expect(change({ offered_at: at(-2_000) })).toEqual([]);
  expect(change({ offered_at: at(-3_000) })).toEqual(['config_pending']);
  expect(change({ deadline: at(-1) })).toEqual(['config_expired']);
  expect(change({ expiries: 1, offered_at: null })).toEqual(['config_expired']);
});
