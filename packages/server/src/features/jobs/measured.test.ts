/** Whose work and findings gates read: of all that work with the change, also of those it does no good. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { sql } from '../../kernel/sql.ts';
import { BAD, type JobsDatabase, jobsDatabase, World } from './testing.ts';

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

/** As an agent reports itself that has told of an error. */
const degraded = (id: string) =>
  world.database.transaction((tx) =>
    world.agents.change(tx, id, {
      conditions: [{ type: 'degraded', present: true, reason: 'error', message: 'a bug' }],
    }),
  );

async function metrics(agent: string, events: number, errors: number): Promise<void> {
  await sql`INSERT INTO agent_metrics (agent_id, name, value, timestamp, instance_id)
    SELECT ${agent}, name, value, ${new Date(world.now)}, 'i1'
    FROM (VALUES ('events_processed', ${events}::float8), ('errors', ${errors}::float8)) AS t (name, value)`.execute(
    db.database.pool,
  );
}

async function finding(agent: string): Promise<void> {
  await sql`INSERT INTO findings (finding_id, agent_id, agent_name, topic, type, severity, timestamp,
                                  recorded_at, description, details)
    VALUES (${`of ${agent}`}, ${agent}, 'x', 'findings.x', 'x', 'info', now(), ${new Date(world.now)}, 'x', '{}')`.execute(
    db.database.pool,
  );
}

const wave = async (job: { job_id: string }) => (await world.get(job)).waves[0];
const watched = (job: { job_id: string }) =>
  world.until('a watched wave', async () => (await wave(job))?.state === 'watching');

test('an agent that fails with the change, as is allowed, is measured all the same', async () => {
  const gates = { max_failures: 2, max_error_rate: 0.1, settle_seconds: 5 };
  const job = await world.rollout(30, { gates, waves: ['100%'] });
  await watched(job);
  for (const id of ids) await degraded(id);
  await world.until('two failures', async () => (await world.get(job)).counts.failed === 2);
  await metrics(ids[0] ?? '', 100, 60);
  await metrics(ids[1] ?? '', 100, 0);
  expect(await world.ended(job)).toMatchObject({
    state: 'rolled_back',
    reason: expect.stringContaining('the gate error_rate closed: 60 errors, 200 events'),
  });
});

test('its findings count, too', async () => {
  const gates = { max_failures: 2, max_findings_change: 0.5, settle_seconds: 5 };
  const job = await world.rollout(30, { gates, waves: ['100%'] });
  await watched(job);
  await degraded(ids[0] ?? '');
  await finding(ids[0] ?? '');
  expect(await world.ended(job)).toMatchObject({
    state: 'rolled_back',
    reason: expect.stringContaining('the gate findings_change closed: 1 findings, 0 in'),
  });
});

test('one that went on without the change says nothing of it', async () => {
  const [first = '', second = ''] = ids;
  world.sim(first).temper = 'rejects';
  const gates = { max_failures: 2, max_error_rate: 0.1, settle_seconds: 5 };
  const job = await world.rollout(BAD, { gates, waves: ['100%'] });
  await watched(job);
  world.now += 1;
  await metrics(first, 100, 100);
  await metrics(second, 100, 5);
  expect(await world.ended(job)).toMatchObject({ state: 'succeeded', counts: { failed: 1 } });
  expect((await wave(job))?.gates[1]).toMatchObject({ detail: '5 errors, 100 events' });
});
