/** Gates of error rate and findings: on figures as agents report them. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { sql } from '../../kernel/sql.ts';
import { readGates } from './gates.ts';
import { type JobsDatabase, jobsDatabase, World } from './testing.ts';
import { inOrder, planWaves } from './waves.ts';

let db: JobsDatabase;
let world: World;
let ids: string[];

beforeAll(async () => {
  db = await jobsDatabase();
});
afterAll(() => db.stop());
beforeEach(async () => {
  world = new World(db.database);
  await world.start();
  ids = await world.add(2, 'wifi');
  await world.put(20);
  for (let n = 0; n < 4; n += 1) await world.pass();
});
afterEach(() => world.close());

async function metrics(agent: string, events: number, errors: number): Promise<void> {
  await sql`INSERT INTO agent_metrics (agent_id, name, value, timestamp, instance_id)
    SELECT ${agent}, name, value, ${new Date(world.now)}, 'i1'
    FROM (VALUES ('events_processed', ${events}::float8), ('errors', ${errors}::float8)) AS t (name, value)`.execute(
    db.database.pool,
  );
}

let finding = 0;
async function findings(agent: string, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    finding += 1;
    await sql`INSERT INTO findings (finding_id, agent_id, agent_name, topic, type, severity, timestamp,
                                    recorded_at, description, details)
      VALUES (${`f${finding}`}, ${agent}, 'x', 'findings.x', 'x', 'info', now(), ${new Date(world.now)}, 'x', '{}')`.execute(
      db.database.pool,
    );
  }
}

const canary = async (job: { job_id: string }, state: string) =>
  world.until(`the canary ${state}`, async () => (await world.get(job)).waves[0]?.state === state);

test('errors beyond the bound close the gate; those of before do not count', async () => {
  const [first = ''] = ids;
  await metrics(first, 100, 90);
  const gates = { max_error_rate: 0.1, settle_seconds: 5 };
  const fine = await world.rollout(30, { gates, waves: ['100%'] });
  await canary(fine, 'watching');
  world.now += 1;
  await metrics(first, 200, 95);
  await metrics(ids[1] ?? '', 50, 0);
  const passed = await world.ended(fine);
  expect(passed.state).toBe('succeeded');
  expect(passed.waves[0]?.gates[1]).toMatchObject({
    gate: 'error_rate',
    reading: 5 / 150,
    detail: '5 errors, 150 events',
  });
  const bad = await world.rollout(40, { gates, waves: ['1', '100%'] });
  await canary(bad, 'watching');
  world.now += 1;
  await metrics(first, 300, 145);
  const closed = await world.ended(bad);
  expect(closed.state).toBe('rolled_back');
  expect(closed.reason).toContain('the gate error_rate closed: 50 errors, 100 events');
});

test('a rate that nobody reports is waited for, and closes the gate in the end', async () => {
  const made = await world.rollout(30, {
    gates: { max_error_rate: 1, settle_seconds: 5 },
    deadline_seconds: 60,
  });
  await canary(made, 'watching');
  for (let n = 0; n < 30; n += 1) await world.pass();
  expect((await world.get(made)).waves[0]?.state).toBe('watching');
  const job = await world.ended(made);
  expect(job.state).toBe('rolled_back');
  expect(job.reason).toContain('reported metrics');
});

test.each([
  ['many more', 0, 7],
  ['none where there were many', 7, 0],
])('%s findings than before close the gate', async (_, before, after) => {
  const gates = { max_findings_change: 0.5, settle_seconds: 10 };
  const [first = ''] = ids;
  await findings(first, before);
  const made = await world.rollout(30, { gates });
  await canary(made, 'watching');
  await findings(first, after);
  const job = await world.ended(made);
  expect(job.state).toBe('rolled_back');
  expect(job.reason).toContain(
    `the gate findings_change closed: ${after} findings, ${before} in the same time before`,
  );
});

test('about as many findings as before pass', async () => {
  const [first = ''] = ids;
  await findings(first, 10);
  const made = await world.rollout(30, {
    gates: { max_findings_change: 0.5, settle_seconds: 10 },
    waves: ['1'],
  });
  await canary(made, 'watching');
  await findings(first, 12);
  await world.until('wave 2', async () => (await world.get(made)).wave === 2);
  const [reading] = (await world.get(made)).waves[0]?.gates.slice(1) ?? [];
  expect(reading).toMatchObject({ gate: 'findings_change', closed: false });
  expect(reading?.reading).toBeCloseTo(0.2);
});

test('readings are within their bounds at the bound, and beyond it they are not', () => {
  const gates = {
    max_failures: 1,
    max_error_rate: 0.5,
    max_findings_change: 1,
    settle_seconds: 0,
  };
  const at = readGates(gates, {
    failures: [{ name: 'a', reason: null }],
    work: { events: 2, errors: 1 },
    findings: { before: 1, now: 2 },
  });
  expect(at.map(({ closed }) => closed)).toEqual([false, false, false]);
  const beyond = readGates(gates, {
    failures: [
      { name: 'a', reason: 'x' },
      { name: 'b', reason: null },
    ],
    work: { events: 1, errors: 3 },
    findings: { before: 0, now: 2 },
  });
  expect(beyond.map(({ closed, reading }) => [closed, reading])).toEqual([
    [true, 2],
    [true, 1],
    [true, 2],
  ]);
});

test('waves count from the beginning, empty ones are left out, and the last takes in the rest', () => {
  const sizes = (total: number, waves: string[]) =>
    planWaves(total, waves).map(({ size, upTo }) => `${size}:${upTo}`);
  expect(sizes(50, ['1', '10%', '100%'])).toEqual(['1:1', '10%:5', '100%:50']);
  expect(sizes(5, ['1', '10%', '100%'])).toEqual(['1:1', '100%:5']);
  expect(sizes(1, ['1', '10%', '100%'])).toEqual(['1:1']);
  expect(sizes(10, ['20', '5'])).toEqual(['20:10']);
  expect(sizes(10, ['3', '5'])).toEqual(['3:3', '5:5', '100%:10']);
  expect(sizes(1_000, ['0.1%'])).toEqual(['0.1%:1', '100%:1000']);
  for (const bad of ['0', '0%', '-1', '101%', '1.5', 'all', '', '1e3']) {
    expect(() => planWaves(10, [bad])).toThrow('is no wave');
  }
});

test('those who are well come first, and types take turns', () => {
  const agent = (id: string, type: string, more: object = {}) => ({
    id,
    type,
    status: 'running',
    desired: 'running',
    conditions: [],
    ...more,
  });
  const order = inOrder([
    agent('d', 'dns', { status: 'stopped', desired: 'stopped' }),
    agent('a', 'wifi', { conditions: ['late'] }),
    agent('b', 'wifi'),
    agent('c', 'wifi'),
    agent('e', 'dns'),
  ]);
  expect(order.map(({ id }) => id)).toEqual(['b', 'e', 'c', 'a', 'd']);
});
