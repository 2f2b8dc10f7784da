/** Actions on many agents: start, stop, restart, log level, tags; in waves, with outcomes, and within one's reach. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Grant } from '../../kernel/grants.ts';
import type { JobBody } from './schemas.ts';
import { type JobsDatabase, jobsDatabase, World } from './testing.ts';

let db: JobsDatabase;
let world: World;

beforeAll(async () => {
  db = await jobsDatabase();
});
afterAll(() => db.stop());
beforeEach(async () => {
  world = new World(db.database);
  await world.start();
});
afterEach(() => world.close());

/** Agents that have confirmed what they are told. */
async function settled(count: number, type = 'wifi', tags: string[] = []): Promise<string[]> {
  const ids = await world.add(count, type, { tags });
  for (let n = 0; n < 4; n += 1) await world.pass();
  return ids;
}

const act = (body: Partial<JobBody>): JobBody => ({
  kind: 'action',
  action: 'restart',
  gates: { settle_seconds: 0 },
  ...body,
});

test('restarts whom a selector chooses, wave by wave', async () => {
  await settled(10);
  await settled(3, 'dns');
  const job = await world.ended(
    await world.create(act({ selector: 'type=wifi', waves: ['1', '50%', '100%'] })),
  );
  expect(job).toMatchObject({
    state: 'succeeded',
    agents: 10,
    counts: { done: 10 },
    selector: 'type=wifi',
  });
  expect(job.waves.map(({ agents }) => agents)).toEqual([1, 4, 5]);
  const { rows } = await actions();
  expect(
    rows.every(({ command, created_by }) => command === 'restart' && created_by === 'ann'),
  ).toBe(true);
  expect(rows).toHaveLength(10);
});

const actions = async () => ({
  rows: await db.database.pool.selectFrom('actions').selectAll().execute(),
});

test('stops at the canary; the rest is not touched, and what failed can be tried again', async () => {
  const ids = await settled(5);
  const [bad = ''] = ids;
  world.sim(bad).temper = 'crashes';
  const job = await world.ended(await world.create(act({ agent_ids: ids })));
  expect(job).toMatchObject({ state: 'failed', counts: { failed: 1, skipped: 4 } });
  expect(job.reason).toMatch(
    /wave 1 \(canary\): the gate failures closed: 1 agent failed \(wifi_0: exit code 1\)/,
  );
  expect((await actions()).rows).toHaveLength(1);
  world.sim(bad).temper = 'good';
  const again = await world.ended(await world.call((call) => world.jobs.retry(job.job_id, call)));
  expect(again).toMatchObject({
    state: 'succeeded',
    retry_of: job.job_id,
    agents: 1,
    counts: { done: 1 },
  });
  await expect(world.call((call) => world.jobs.retry(again.job_id, call))).rejects.toMatchObject({
    code: 'OPMAS_CONFLICT',
  });
});

test('an agent that never answers has an outcome by its deadline', async () => {
  const ids = await settled(2);
  for (const id of ids) world.sim(id).temper = 'silent';
  const job = await world.ended(
    await world.create(act({ agent_ids: ids, deadline_seconds: 20, waves: ['100%'] })),
  );
  expect(job).toMatchObject({ state: 'failed', counts: { expired: 2 } });
});

test('stops and starts', async () => {
  const ids = await settled(3);
  await world.ended(await world.create(act({ action: 'stop', agent_ids: ids })));
  const status = async () =>
    (await db.database.pool.selectFrom('agents').select(['status', 'desired']).execute()).map(
      (each) => `${each.status} ${each.desired}`,
    );
  expect(await status()).toEqual(ids.map(() => 'stopped stopped'));
  const job = await world.ended(await world.create(act({ action: 'start', agent_ids: ids })));
  expect(job.state).toBe('succeeded');
  expect(await status()).toEqual(ids.map(() => 'running running'));
});

test('sets the log level over everything else, for a time, and keeps what stood beside it', async () => {
  const ids = await settled(3);
  const [first = ''] = ids;
  await world.database.transaction((tx) =>
    world.configs.replace(
      tx,
      { scope: 'runtime', scope_id: first },
      { document: { monitoring: { metrics_interval: 5 } }, author: 'bob' },
    ),
  );
  const job = await world.ended(
    await world.create(
      act({ action: 'log-level', agent_ids: ids, arguments: { level: 'debug', expires_in: 600 } }),
    ),
  );
  expect(job).toMatchObject({ state: 'succeeded', counts: { done: 3 } });
  const told = await world.configs.allTold(db.database.pool, ids);
  for (const answer of told.values()) {
    if (answer instanceof Error) throw answer;
    expect(answer.config).toMatchObject({ monitoring: { log_level: 'DEBUG' } });
  }
  const layer = await world.configs.layer(db.database.pool, { scope: 'runtime', scope_id: first });
  expect(layer.config).toMatchObject({ monitoring: { metrics_interval: 5, log_level: 'DEBUG' } });
  expect(layer.expires_at).not.toBeNull();
});

test('adds and removes tags; one that cannot have them fails alone', async () => {
  const ids = await settled(3, 'wifi', ['old', 'site=berlin']);
  const [full = ''] = ids;
  await world.database.transaction((tx) =>
    world.agents.change(tx, full, {
      set: { tags: Array.from({ length: 32 }, (_, n) => `t${n}`) },
    }),
  );
  const job = await world.ended(
    await world.create(
      act({ action: 'tags', agent_ids: ids, arguments: { add: ['new'], remove: ['old'] } }),
    ),
  );
  expect(job).toMatchObject({ state: 'succeeded', counts: { done: 2, skipped: 1 } });
  const { tags } = await world.agents.get(db.database.pool, ids[1] ?? '');
  expect(tags).toEqual(['site=berlin', 'new']);
});

test('cancelled, what was not told is not told any more', async () => {
  const ids = await settled(4);
  const made = await world.create(act({ agent_ids: ids, pause_between: true }));
  await world.until('the pause', async () => (await world.get(made)).state === 'paused');
  const job = await world.call((call) => world.jobs.cancel(made.job_id, {}, call));
  expect(job).toMatchObject({
    state: 'cancelled',
    counts: { done: 1, skipped: 3 },
    deadline: null,
  });
});

test('what does not go together is refused by path', async () => {
  const [id = ''] = await settled(1);
  const faultsOf = async (body: JobBody) => {
    try {
      await world.create(body);
    } catch (error) {
      return (error as { errors: { path: string }[] }).errors.map(({ path }) => path);
    }
    throw new Error('was taken');
  };
  expect(await faultsOf({ kind: 'action' })).toEqual(['action', 'agent_ids']);
  expect(await faultsOf(act({ agent_ids: [id], selector: 'type=a' }))).toEqual(['agent_ids']);
  expect(await faultsOf(act({ agent_ids: [id], scope: 'fleet', on_failure: 'rollback' }))).toEqual([
    'scope',
    'on_failure',
  ]);
  expect(await faultsOf(act({ agent_ids: [id], arguments: { level: 'debug' } }))).toEqual([
    'arguments.level',
  ]);
  expect(await faultsOf(act({ agent_ids: [id], action: 'tags' }))).toEqual(['arguments.add']);
  expect(
    await faultsOf(
      act({ agent_ids: [id], action: 'tags', arguments: { add: ['x'], remove: ['x'] } }),
    ),
  ).toEqual(['arguments.remove']);
  expect(await faultsOf({ kind: 'rollout', scope: `agent:${id}`, document: {} })).toEqual([
    'scope',
  ]);
  expect(await faultsOf({ kind: 'rollout', scope: 'fleet' })).toEqual(['document']);
  expect(await faultsOf({ kind: 'rollback', scope: 'fleet' })).toEqual(['version']);
  expect(await faultsOf(act({ selector: 'type=nothing' }))).toEqual(['selector']);
  expect(await faultsOf(act({ selector: 'type' }))).toEqual(['selector']);
  expect(await faultsOf(act({ agent_ids: ['nobody'] }))).toEqual(['agent_ids[0]']);
  expect(await faultsOf(act({ agent_ids: [id], waves: ['0%'] }))).toEqual(['waves[0]']);
});

test('who is limited to some agents makes and sees jobs of those alone', async () => {
  const mine = await settled(2, 'wifi');
  const theirs = await settled(2, 'dns');
  const limited: Grant[] = ['jobs:read', 'jobs:write', 'agents:control'].map((permission) => ({
    permission,
    agents: { types: ['wifi'] },
  }));
  const make = (body: JobBody, grants: readonly Grant[] = limited) =>
    world.as(grants, 'jobs:write', (call) => world.jobs.create(body, call, undefined));
  const forbidden = { code: 'OPMAS_FORBIDDEN' };
  await expect(make(act({ agent_ids: [...mine, ...theirs] }))).rejects.toMatchObject(forbidden);
  await expect(make(act({ agent_ids: ['nobody'] }))).rejects.toMatchObject(forbidden);
  await expect(make(act({ selector: 'type in (wifi, dns)' }))).rejects.toMatchObject(forbidden);
  await expect(
    make(act({ agent_ids: mine, action: 'tags', arguments: { add: ['x'] } })),
  ).rejects.toMatchObject(forbidden);
  const document = { kind: 'rollout', scope: 'fleet', document: {} } as const;
  await expect(make(document)).rejects.toMatchObject(forbidden);
  await expect(
    make(document, [...limited, { permission: 'configs:write', agents: { types: ['wifi'] } }]),
  ).rejects.toMatchObject(forbidden);
  const own = await make(act({ agent_ids: mine }));
  const other = await world.create(act({ agent_ids: [...mine, ...theirs] }));
  const reach = [{ types: ['wifi'] }];
  const { items } = await world.jobs.list(db.database.pool, {}, reach);
  expect(items.map(({ job_id }) => job_id)).toEqual([own.job_id]);
  const missing = { code: 'OPMAS_JOB_NOT_FOUND' };
  await expect(world.jobs.get(db.database.pool, other.job_id, reach)).rejects.toMatchObject(
    missing,
  );
  await expect(
    world.as(limited, 'jobs:write', (call) => world.jobs.cancel(other.job_id, {}, call)),
  ).rejects.toMatchObject(missing);
  const noControl = limited.filter(({ permission }) => permission !== 'agents:control');
  await expect(
    world.as(noControl, 'jobs:write', (call) => world.jobs.cancel(own.job_id, {}, call)),
  ).rejects.toMatchObject(forbidden);
});

test('there are never too many under way, and lists page through all of them', async () => {
  const ids = await settled(1);
  for (let n = 0; n < 20; n += 1) {
    world.now += 1;
    await world.create(act({ agent_ids: ids }));
  }
  await expect(world.create(act({ agent_ids: ids }))).rejects.toMatchObject({
    code: 'OPMAS_CONFLICT',
    message: expect.stringContaining('20 jobs are under way'),
  });
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof world.jobs.list>> = await world.jobs.list(
      db.database.pool,
      { limit: 7, state: 'pending', kind: 'action', ...(cursor === null ? {} : { cursor }) },
      'all',
    );
    seen.push(...page.items.map(({ created_at }) => created_at));
    cursor = page.next_cursor;
  } while (cursor !== null);
  expect(seen).toHaveLength(20);
  expect(seen).toEqual(seen.toSorted().toReversed());
  expect((await world.jobs.list(db.database.pool, { kind: 'rollout' }, 'all')).items).toEqual([]);
});

test('resumed after a gate has closed in the middle of a wave, everybody has his turn', async () => {
  const ids = await settled(3);
  for (const id of ids) world.sim(id).temper = 'silent';
  const [bad = '', ...others] = ids;
  const job = await world.create(
    act({ agent_ids: ids, waves: ['100%'], on_failure: 'pause', deadline_seconds: 200 }),
  );
  await world.pass();
  world.sim(bad).temper = 'crashes';
  await world.until('it stands still', async () => (await world.get(job)).state === 'paused');
  expect(await world.outcomes(job)).toMatchObject({ [bad]: 'failed' });
  for (const id of others) world.sim(id).temper = 'good';
  await world.call((call) => world.jobs.resume(job.job_id, call));
  const ended = await world.ended(job);
  expect(ended).toMatchObject({ state: 'succeeded', counts: { failed: 1, done: 2 } });
  expect(ended.waves[0]?.reason).toMatch(/accepted by ann/);
});

test('resumed after the gate of the last wave has closed, the job ends', async () => {
  const [bad = ''] = await settled(1);
  world.sim(bad).temper = 'crashes';
  const job = await world.create(act({ agent_ids: [bad], on_failure: 'pause' }));
  await world.until('it stands still', async () => (await world.get(job)).state === 'paused');
  const ended = await world.call((call) => world.jobs.resume(job.job_id, call));
  expect(ended).toMatchObject({ state: 'succeeded', counts: { failed: 1 } });
});

test('a job that cannot be ended keeps no other from going on', async () => {
  const ids = await settled(2);
  const stuck = await world.rollout(40, { deadline_seconds: 10, waves: ['100%'] });
  await world.call((call) => world.jobs.cancel(stuck.job_id, {}, call));
  const fail = () => Promise.reject(new Error('the layer is out of order'));
  Object.assign(world.configs.staging, { takeBack: fail, free: fail });
  const other = await world.create(act({ agent_ids: ids, deadline_seconds: 100 }));
  const faults: unknown[] = [];
  for (let n = 0; n < 30; n += 1) await world.pass().catch((fault: unknown) => faults.push(fault));
  expect(faults).toContainEqual(new Error('the layer is out of order'));
  expect(await world.get(stuck)).toMatchObject({ state: 'rolling_back' });
  expect(await world.get(other)).toMatchObject({ state: 'succeeded' });
});
