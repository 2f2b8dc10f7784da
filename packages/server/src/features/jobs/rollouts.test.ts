/** Rollouts: waves that wait for each other, gates that close, the way back, and whoever comes in between. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { BAD, type JobsDatabase, jobsDatabase, type Temper, World } from './testing.ts';

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

/** Agents that are told 20 and run it. */
async function settled(count: number): Promise<string[]> {
  const ids = await world.add(count, 'wifi');
  await world.put(20);
  for (let n = 0; n < 4; n += 1) await world.pass();
  return ids;
}

const having = async (batchSize: number): Promise<number> =>
  Object.values(await world.told()).filter((each) => each === batchSize).length;

const GOOD = 30;

test('goes from wave to wave, each only after the one before was watched, and reaches everybody', async () => {
  await settled(50);
  const made = await world.rollout(GOOD, { reason: 'faster', gates: { settle_seconds: 5 } });
  expect(made).toMatchObject({ state: 'pending', kind: 'rollout', scope: 'fleet', agents: 50 });
  expect(made.waves.map(({ size, agents }) => [size, agents])).toEqual([
    ['1', 1],
    ['10%', 4],
    ['100%', 45],
  ]);
  expect(await having(GOOD)).toBe(0);
  const seen = new Set<number>();
  await world.until('its end', async () => {
    const job = await world.get(made);
    const have = await having(GOOD);
    seen.add(have);
    const begun = job.waves.filter(({ started_at }) => started_at !== null);
    expect(have).toBe(begun.reduce((sum, { agents }) => sum + agents, 0));
    if (job.deadline === null) return true;
    expect(Date.parse(job.deadline)).toBeGreaterThan(world.now - 1_001);
    return false;
  });
  const job = await world.get(made);
  expect([...seen]).toEqual([0, 1, 5, 50]);
  expect(job).toMatchObject({ state: 'succeeded', deadline: null, counts: { done: 50 } });
  for (const wave of job.waves) {
    const { applied_at: applied, ended_at: ended } = wave;
    expect(Date.parse(ended ?? '') - Date.parse(applied ?? '')).toBeGreaterThanOrEqual(5_000);
    expect(wave.gates).toMatchObject([{ gate: 'failures', reading: 0, closed: false }]);
  }
  // The layer is free again.
  await world.put(40);
  expect(await having(40)).toBe(50);
});

test.each<[Temper, string, RegExp]>([
  ['rejects', 'failed', /rejected: processing\.batch_size: is not for me/],
  ['crashes', 'failed', /exit code 1/],
  ['silent', 'expired', /has not answered/],
])(
  'an agent that %s it closes the gate at the canary, and everybody is back',
  async (temper, _, why) => {
    const ids = await settled(50);
    const before = await world.hashes();
    for (const id of ids) world.sim(id).temper = temper;
    const made = await world.rollout(BAD);
    await world.until(
      'the gate to close',
      async () => (await world.get(made)).waves[0]?.state === 'closed',
    );
    const closed = await world.get(made);
    expect(closed.waves[0]).toMatchObject({ state: 'closed', reason: expect.stringMatching(why) });
    const job = await world.ended(made);
    expect(job).toMatchObject({ state: 'rolled_back', from_version: 1, to_version: 2 });
    expect(job.back_version).toBe(3);
    expect(job.reason).toMatch(why);
    expect(job.waves.slice(1).every(({ started_at }) => started_at === null)).toBe(true);
    expect(job.counts).toMatchObject({ skipped: 49, done: 0, running: 0, pending: 0 });
    expect(await world.hashes()).toEqual(before);
    const layer = await world.configs.layer(db.database.pool, { scope: 'fleet', scope_id: '' });
    expect(layer).toMatchObject({
      version: 3,
      author: 'system',
      reason: expect.stringContaining(made.job_id),
    });
    expect(layer.reason).toContain('gate failures');
    expect(world.audited.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['jobs.gate_closed', 'jobs.taken_back', 'jobs.ended']),
    );
    for (let n = 0; n < 3; n += 1) await world.pass();
    expect(new Set([...world.sims.values()].map(({ running }) => running)).size).toBe(1);
    const unwell = await world.database.pool
      .selectFrom('agents')
      .select('id')
      .where('status', '<>', 'running')
      .execute();
    expect(unwell).toEqual([]);
  },
);

test('what fails while it is watched closes the gate, also in an earlier wave', async () => {
  const ids = await settled(10);
  const made = await world.rollout(GOOD, {
    waves: ['1', '5', '100%'],
    gates: { settle_seconds: 60 },
  });
  await world.until('wave 2', async () => (await world.get(made)).waves[1]?.state === 'watching');
  const [canary = ''] = ids;
  await world.database.transaction((tx) =>
    world.agents.change(tx, canary, { set: { restarts: 1 } }),
  );
  const job = await world.ended(made);
  expect(job.state).toBe('rolled_back');
  expect(job.reason).toMatch(/wave 2.*wifi_0: its process ended and was started again/);
  expect(await having(20)).toBe(10);
});

test('as many may fail as are allowed, and no more', async () => {
  const ids = await settled(10);
  for (const id of ids.slice(0, 2)) world.sim(id).temper = 'rejects';
  const one = await world.ended(
    await world.rollout(BAD, { gates: { max_failures: 1 }, waves: ['5'] }),
  );
  expect(one.state).toBe('rolled_back');
  expect(one.reason).toContain('2 agents failed');
  for (const id of ids) world.sim(id).temper = id === ids[1] ? 'rejects' : 'good';
  const two = await world.ended(
    await world.rollout(BAD, { gates: { max_failures: 1, settle_seconds: 0 }, waves: ['5'] }),
  );
  // The first had refused it for good before.
  expect(two.state).toBe('rolled_back');
});

test('who had failed before does not count, and who does not run takes it at his next start', async () => {
  const ids = await settled(4);
  const [ill = '', stopped = ''] = ids;
  await world.database.transaction((tx) =>
    world.agents.change(tx, ill, {
      status: 'failed',
      conditions: [{ type: 'crash_loop', present: true, reason: 'x', message: 'x' }],
    }),
  );
  await world.database.transaction((tx) =>
    world.agents.change(tx, stopped, { desired: 'stopped' }),
  );
  world.sim(ill).temper = 'rejects';
  world.sim(stopped).isAway = true;
  const job = await world.ended(await world.rollout(BAD, { gates: { settle_seconds: 1 } }));
  expect(job.state).toBe('succeeded');
  expect(await world.outcomes(job)).toEqual({
    [ids[0] ?? '']: 'skipped',
    [ids[1] ?? '']: 'skipped',
    [ids[2] ?? '']: 'done',
    [ids[3] ?? '']: 'done',
  });
  // The first in line were those who can show something.
  const page = await world.jobs.agents(db.database.pool, job.job_id, {}, 'all');
  expect(page.items[0]?.agent_id).toBe(ids[2]);
  expect((await world.told())[stopped]).toBe(BAD);
});

test('a canary that stopped meanwhile proves nothing: another comes with it', async () => {
  const ids = await settled(5);
  const made = await world.rollout(GOOD, { waves: ['1', '100%'], gates: { settle_seconds: 3 } });
  const [canary = ''] = ids;
  await world.database.transaction((tx) => world.agents.change(tx, canary, { desired: 'stopped' }));
  await world.pass();
  await world.pass();
  const job = await world.get(made);
  expect(job.waves[0]).toMatchObject({ agents: 2 });
  expect(job.counts).toMatchObject({ skipped: 1 });
  expect((await world.ended(made)).counts).toEqual(
    expect.objectContaining({ done: 4, skipped: 1 }),
  );
});

test('nobody else writes the layer meanwhile, and no second job rolls it out', async () => {
  await settled(5);
  const made = await world.rollout(GOOD);
  const conflict = { code: 'OPMAS_CONFLICT', message: expect.stringContaining(made.job_id) };
  await expect(world.put(50)).rejects.toMatchObject(conflict);
  await expect(world.rollout(50)).rejects.toMatchObject(conflict);
  await expect(
    world.database.transaction((tx) =>
      world.configs.rollback(tx, { scope: 'fleet', scope_id: '' }, { version: 1, author: 'ann' }),
    ),
  ).rejects.toMatchObject(conflict);
  // Another layer is another matter.
  await world.database.transaction((tx) =>
    world.groups.create(tx, 'all', { selector: 'type=wifi', author: 'ann' }),
  );
  await world.put(60, { scope: 'group', scope_id: 'all' });
  const job = await world.ended(made);
  expect(job.state).toBe('succeeded');
  await world.put(50);
});

test('a stale If-Match, a bad document and an empty group are refused, and nothing is left of them', async () => {
  await settled(2);
  await expect(
    world.create({ kind: 'rollout', scope: 'fleet', document: {} }, 7),
  ).rejects.toMatchObject({ code: 'OPMAS_VERSION_CONFLICT' });
  await expect(world.rollout(-1)).rejects.toMatchObject({ code: 'OPMAS_INVALID_CONFIGURATION' });
  await world.database.transaction((tx) =>
    world.groups.create(tx, 'none', { selector: 'type=nothing', author: 'ann' }),
  );
  await expect(
    world.create({ kind: 'rollout', scope: 'group:none', document: {} }),
  ).rejects.toMatchObject({ code: 'OPMAS_INVALID_REQUEST' });
  await expect(
    world.create({ kind: 'rollout', scope: 'group:missing', document: {} }),
  ).rejects.toMatchObject({ code: 'OPMAS_NOT_FOUND' });
  await world.put(33);
  expect(await having(33)).toBe(2);
});

test('goes back to an old version in waves', async () => {
  await settled(3);
  await world.put(25);
  const job = await world.ended(
    await world.create({
      kind: 'rollback',
      scope: 'fleet',
      version: 1,
      gates: { settle_seconds: 0 },
    }),
  );
  expect(job).toMatchObject({
    kind: 'rollback',
    state: 'succeeded',
    from_version: 2,
    to_version: 3,
  });
  expect(await having(20)).toBe(3);
});

test('cancelled, it goes back; or what was changed stays, until the layer is written again', async () => {
  await settled(10);
  const before = await world.hashes();
  const first = await world.rollout(GOOD, { gates: { settle_seconds: 600 }, waves: ['3', '100%'] });
  await world.until('the canaries', async () => (await world.get(first)).counts.done === 3);
  await world.call((call) => world.jobs.cancel(first.job_id, {}, call));
  expect(await world.ended(first)).toMatchObject({
    state: 'cancelled',
    counts: { rolled_back: 3, skipped: 7 },
  });
  expect(await world.hashes()).toEqual(before);

  const second = await world.rollout(40, { gates: { settle_seconds: 600 }, waves: ['3', '100%'] });
  await world.until('the canaries', async () => (await world.get(second)).counts.done === 3);
  const left = await world.call((call) =>
    world.jobs.cancel(second.job_id, { rollback: false }, call),
  );
  expect(left).toMatchObject({ state: 'cancelled', counts: { done: 3, skipped: 7 } });
  expect(left.reason).toContain('7 agents stay');
  expect([await having(40), await having(20)]).toEqual([3, 7]);
  await expect(
    world.call((call) => world.jobs.cancel(second.job_id, {}, call)),
  ).rejects.toMatchObject({ code: 'OPMAS_ILLEGAL_TRANSITION' });
  await world.put(45);
  expect(await having(45)).toBe(10);
});

test('paused, it begins no wave; the time it stood still does not count', async () => {
  await settled(10);
  const made = await world.rollout(GOOD, { gates: { settle_seconds: 10 }, deadline_seconds: 60 });
  await world.until(
    'the canary',
    async () => (await world.get(made)).waves[0]?.state === 'watching',
  );
  await world.call((call) => world.jobs.pause(made.job_id, call));
  for (let n = 0; n < 20; n += 1) await world.pass(10_000);
  expect(await world.get(made)).toMatchObject({ state: 'paused', wave: 1 });
  expect(await having(GOOD)).toBe(1);
  await world.call((call) => world.jobs.resume(made.job_id, call));
  await world.pass();
  expect((await world.get(made)).waves[0]?.state).toBe('watching');
  expect((await world.ended(made)).state).toBe('succeeded');
});

test('nobody resumes it: it goes back', async () => {
  await settled(3);
  const made = await world.rollout(GOOD, { pause_between: true, gates: { settle_seconds: 0 } });
  await world.until('the pause', async () => (await world.get(made)).state === 'paused');
  expect((await world.get(made)).reason).toContain('wave 1 (canary) has passed');
  await world.pass(86_400_000);
  expect(await world.ended(made)).toMatchObject({ state: 'expired', counts: { rolled_back: 1 } });
  expect(await having(20)).toBe(3);
});

test('a gate that closes may pause it, and somebody may accept that', async () => {
  const ids = await settled(4);
  world.sim(ids[0] ?? '').temper = 'rejects';
  const made = await world.rollout(BAD, { on_failure: 'pause', gates: { settle_seconds: 0 } });
  await world.until('the pause', async () => (await world.get(made)).state === 'paused');
  expect((await world.get(made)).waves[0]?.state).toBe('closed');
  await world.call((call) => world.jobs.resume(made.job_id, call));
  const job = await world.ended(made);
  expect(job).toMatchObject({ state: 'succeeded', counts: { failed: 1, done: 3 } });
  expect(job.waves[0]?.reason).toContain('accepted by ann');
});

test('who is new, or joins the group, sees the old version until the last wave', async () => {
  await world.add(4, 'wifi', { tags: ['site=berlin'] });
  const [outside = ''] = await world.add(1, 'dns');
  await world.database.transaction((tx) =>
    world.groups.create(tx, 'berlin', { selector: 'site=berlin', author: 'ann' }),
  );
  await world.put(20, { scope: 'group', scope_id: 'berlin' });
  for (let n = 0; n < 4; n += 1) await world.pass();
  const made = await world.create({
    kind: 'rollout',
    scope: 'group:berlin',
    document: { processing: { batch_size: GOOD } },
    waves: ['1', '100%'],
    pause_between: true,
    gates: { settle_seconds: 0 },
  });
  await world.until('the pause', async () => (await world.get(made)).state === 'paused');
  const [young = ''] = await world.add(1, 'new', { tags: ['site=berlin'] });
  await world.database.transaction((tx) =>
    world.agents.change(tx, outside, { set: { tags: ['site=berlin'] } }),
  );
  const told = await world.told();
  expect([told[young], told[outside]]).toEqual([20, 20]);
  expect(await having(GOOD)).toBe(1);
  await world.call((call) => world.jobs.resume(made.job_id, call));
  const job = await world.ended(made);
  expect(job).toMatchObject({ state: 'succeeded', agents: 6, counts: { done: 6 } });
  expect(await having(GOOD)).toBe(6);
});

test('a group under rollout cannot be deleted', async () => {
  await world.add(2, 'wifi');
  await world.database.transaction((tx) =>
    world.groups.create(tx, 'all', { selector: 'type=wifi', author: 'ann' }),
  );
  const made = await world.create({
    kind: 'rollout',
    scope: 'group:all',
    document: { processing: { batch_size: GOOD } },
  });
  await expect(
    world.database.transaction((tx) => world.groups.remove(tx, 'all')),
  ).rejects.toMatchObject({ code: 'OPMAS_CONFLICT' });
  await world.call((call) => world.jobs.cancel(made.job_id, {}, call));
  await world.ended(made);
  await world.database.transaction((tx) => world.groups.remove(tx, 'all'));
});
