/** Rounds of deliveries beside what others do at the same time: other servers, writers, agents that are ahead. */
import type { ControlMessage } from '@opmas/protocol';
import { type TestDatabase, testPostgres, waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Clock } from '../../kernel/clock.ts';
import { systemIds } from '../../kernel/ids.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { sql } from '../../kernel/sql.ts';
import { openPostgres } from '../../platform/database/postgres.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import { migratedDatabase } from '../../testing/database.ts';
import { createAgentsService } from '../agents/index.ts';
import { createDeliverer } from './deliverer.ts';
import { Reports } from './reports.ts';

const DEADLINE_MS = 8_000;
const [OLD, NEW, OTHER] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [
  string,
  string,
  string,
];

let postgres: Awaited<ReturnType<typeof testPostgres>>;
let fresh: TestDatabase;
let database: Database;
let now = Date.UTC(2026, 0, 1);
const clock: Clock = { now: () => now, monotonic: () => now };

beforeAll(async () => {
  postgres = await testPostgres();
  fresh = await migratedDatabase(postgres);
  database = openPostgres({ url: fresh.superUrl, logger: silentLogger });
});
afterAll(async () => {
  await database.close();
  await fresh.drop();
  await postgres.stop();
});
beforeEach(() =>
  sql`TRUNCATE config_deliveries, config_instances, config_failures, agent_slots, outbox, agents CASCADE`.execute(
    database.pool,
  ),
);

/** A server whose own view of what agents are told can be another one: `worksOut` by agent. */
function server(
  options: {
    window?: number;
    worksOut?: (id: string, hash: string | null) => string;
    leads?: () => boolean;
  } = {},
) {
  const { worksOut = (_, hash) => hash ?? '', leads = () => true } = options;
  const reports = new Reports(() => now);
  const made = {
    reports,
    told: [] as string[],
    dropped: [] as string[],
    woken: 0,
    deliverer: createDeliverer({
      database,
      broker: {
        ensureConsumers: async () => undefined,
        dropConsumer: async (name, topic) => {
          made.dropped.push(`${name} ${topic}`);
          return 0;
        },
        isUp: () => true,
        ask: (name) => void made.told.push(name),
      },
      agents: createAgentsService({ audit: {} as never, clock }),
      configs: {
        allTold: async (db: Executor, ids: readonly string[]) => {
          const rows = await db
            .selectFrom('agents')
            .select(['id', 'config_hash'])
            .where('id', 'in', [...ids])
            .execute();
          return new Map(
            rows.map(({ id, config_hash }) => [
              id,
              { agent_id: id, version: 1, hash: worksOut(id, config_hash), config: {} },
            ]),
          );
        },
        pushMessage: (): ControlMessage => ({
          command: 'update_config',
          timestamp: new Date(now).toISOString(),
          payload: {},
        }),
      },
      reports,
      lease: { held: leads, guard: async () => leads() },
      clock,
      ids: systemIds,
      logger: silentLogger,
      deadlineMs: DEADLINE_MS,
      ...(options.window === undefined ? {} : { window: options.window }),
      wake: () => {
        made.woken += 1;
      },
    }),
  };
  return made;
}

async function addAgent(id: string, hash: string, topics: readonly string[] = []): Promise<void> {
  await sql`
    INSERT INTO agents (id, name, type, version, status, desired, config_hash, subscribed_topics,
                        created_at, updated_at)
    VALUES (${id}, ${id.toUpperCase()}, 'test', '1.0.0', 'running', 'running', ${hash},
            ${[...topics]}::text[], now(), now())`.execute(database.pool);
}

async function desire(id: string, hash: string, topics: readonly string[] = []): Promise<void> {
  await sql`UPDATE agents SET config_hash = ${hash}, subscribed_topics = ${[...topics]}::text[]
    WHERE id = ${id}`.execute(database.pool);
}

const beat = (reports: Reports, id: string, hash: string) =>
  reports.heartbeat({
    agent_id: id,
    status: 'healthy',
    timestamp: new Date(now).toISOString(),
    uptime: 1,
    instance_id: `${id}-1`,
    interval: 2,
    config_hash: hash,
  });

const rowOf = async (id: string) =>
  database.pool
    .selectFrom('config_deliveries')
    .selectAll()
    .where('agent_id', '=', id)
    .executeTakeFirstOrThrow();

test('what this server works out otherwise holds up nobody else, and says so by its deadline', async () => {
  await addAgent('one', NEW);
  await addAgent('two', NEW);
  const { deliverer, told, ...rest } = server({
    window: 1,
    worksOut: (id, hash) => (id === 'one' ? OTHER : (hash ?? '')),
  });
  await deliverer.work();
  await deliverer.work();
  expect(told).toEqual(['TWO']);
  expect((await rowOf('one')).deadline?.getTime()).toBe(now + DEADLINE_MS);
  now += DEADLINE_MS + 1;
  rest.woken = 0;
  deliverer.changed();
  await deliverer.work();
  const { state, errors } = await rowOf('one');
  expect(state).toBe('expired');
  expect(errors).toEqual([{ path: '', message: expect.stringContaining('OPMAS_ENV') as string }]);
});

test('a configuration that changed while it was told is told anew', async () => {
  await addAgent('one', NEW);
  let isChanging = true;
  const { deliverer, told } = server({
    worksOut: (_, hash) => (isChanging ? OTHER : (hash ?? '')),
  });
  await deliverer.work();
  expect(told).toEqual([]);
  isChanging = false;
  await desire('one', OTHER);
  await deliverer.work();
  expect(told).toEqual(['ONE']);
  expect(await rowOf('one')).toMatchObject({ desired_hash: OTHER, state: 'pending', errors: [] });
});

test('topics that an agent took over before it was told are cleared when they go', async () => {
  await addAgent('one', OLD, ['logs.a']);
  const { deliverer, reports, dropped } = server();
  beat(reports, 'one', OLD);
  await deliverer.work();
  // It was started in between, and fetched it by itself.
  await desire('one', NEW, ['logs.a', 'logs.b']);
  deliverer.changed();
  now += 1;
  beat(reports, 'one', NEW);
  await deliverer.work();
  expect(await rowOf('one')).toMatchObject({ desired_hash: NEW, state: 'applied', attempts: 0 });
  await desire('one', OTHER, ['logs.a']);
  deliverer.changed();
  now += 1;
  beat(reports, 'one', OTHER);
  await deliverer.work();
  expect(dropped).toEqual(['ONE logs.b']);
  expect(await rowOf('one')).toMatchObject({
    topics: ['logs.a'],
    left_behind: [{ topic: 'logs.b', unread: 0 }],
  });
});

test('a round that changes many agents, and a writer of all of them, wait for each other in one order', async () => {
  for (const id of ['two', 'one']) {
    await addAgent(id, OLD);
    await sql`
      INSERT INTO config_deliveries (agent_id, desired_hash, state, since, offered_at, deadline)
      VALUES (${id}, ${NEW}, 'pending', ${new Date(now)}, ${new Date(now - 5_000)},
              ${new Date(now + 60_000)})`.execute(database.pool);
    await desire(id, NEW);
  }
  const { deliverer, reports } = server();
  for (const id of ['two', 'one']) beat(reports, id, OLD);
  const lock = (db: Executor, id: string) =>
    sql`SELECT FROM agents WHERE id = ${id} FOR NO KEY UPDATE`.execute(db);
  let round: Promise<unknown> | undefined;
  await database.transaction(async (tx) => {
    await lock(tx, 'one');
    round = deliverer.work().catch((error: unknown) => error);
    await waitFor(async () => {
      const { rows } = await sql`SELECT FROM pg_locks WHERE NOT granted`.execute(database.pool);
      return rows.length > 0;
    });
    await lock(tx, 'two');
  });
  expect(await round).toBeUndefined();
  for (const id of ['one', 'two']) {
    const { conditions } = await database.pool
      .selectFrom('agents')
      .select('conditions')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    expect(conditions).toMatchObject([{ type: 'config_pending' }]);
  }
});

test('two servers that write words of the same instances wait for each other in one order', async () => {
  for (const id of ['one', 'two']) await addAgent(id, OLD);
  const { deliverer, reports } = server();
  for (const id of ['one', 'two']) beat(reports, id, OLD);
  await deliverer.work();
  // Enough of them that rows are looked up one by one, in the order of the words.
  await sql`
    INSERT INTO config_instances (agent_id, instance_id, interval_s, first_heard, last_heard)
    SELECT 'two', 'other-' || n, 30, now(), now() FROM generate_series(1, 20000) n`.execute(
    database.pool,
  );
  await sql`ANALYZE config_instances`.execute(database.pool);
  const touch = (db: Executor, id: string) =>
    sql`UPDATE config_instances SET errors = '[]'
      WHERE agent_id = ${id} AND instance_id = ${`${id}-1`}`.execute(db);
  let round: Promise<unknown> | undefined;
  await database.transaction(async (tx) => {
    await touch(tx, 'one');
    for (const id of ['two', 'one']) beat(reports, id, NEW);
    round = deliverer.work().catch((error: unknown) => error);
    await waitFor(async () => {
      const { rows } = await sql`SELECT FROM pg_locks WHERE NOT granted`.execute(database.pool);
      return rows.length > 0;
    });
    await touch(tx, 'two');
  });
  expect(await round).toBeUndefined();
});

test('a server that does not lead writes a heartbeat that says nothing new once a minute, until it leads', async () => {
  let isLeading = true;
  await addAgent('one', NEW);
  const { deliverer, reports, told } = server({ leads: () => isLeading });
  await deliverer.work();
  now += DEADLINE_MS + 1;
  await deliverer.work();
  expect(await rowOf('one')).toMatchObject({ state: 'expired' });
  isLeading = false;
  const writtenAfter = async (ms: number, hash: string): Promise<boolean> => {
    now += ms;
    beat(reports, 'one', hash);
    await deliverer.work();
    const row = await database.pool
      .selectFrom('config_instances')
      .select(['last_heard', 'running_hash'])
      .executeTakeFirstOrThrow();
    return row.last_heard.getTime() === now && row.running_hash === hash;
  };
  expect(await writtenAfter(1, OLD)).toBe(true);
  expect(await writtenAfter(30_000, OLD)).toBe(false);
  expect(await writtenAfter(30_001, OLD)).toBe(true);
  expect(await writtenAfter(1, OTHER)).toBe(true);
  expect(told).toEqual(['ONE']);
  // What it let go while another led, it must hear now: the agent runs something else than it shall.
  isLeading = true;
  await deliverer.work();
  expect(await writtenAfter(1, OTHER)).toBe(true);
  expect(told).toEqual(['ONE', 'ONE']);
});

test('what an agent says that cannot be stored holds up nobody else, and what can of it is kept', async () => {
  for (const id of ['one', 'two', 'three']) await addAgent(id, OLD);
  const { deliverer, reports } = server();
  const status = (id: string, config: NonNullable<Parameters<Reports['status']>[0]['config']>) =>
    reports.status({ agent_id: id, status: 'healthy', instance_id: `${id}-1`, config });
  await deliverer.work();
  status('one', { running_hash: 'x'.repeat(65), attempted_hash: 'y'.repeat(65), error: null });
  const errors = [{ path: 'a\0', message: 'half \ud83d' }];
  status('two', { running_hash: OTHER, attempted_hash: OLD, error: null, errors });
  const nowhere = { agent_id: 'three', instance_id: 'i'.repeat(65), hash: OLD };
  reports.answer(nowhere, { ok: true, error: undefined, outcome: undefined });
  await deliverer.work();
  const rows = await database.pool
    .selectFrom('config_instances')
    .select(['agent_id', 'running_hash', 'attempted_hash'])
    .orderBy('agent_id')
    .execute();
  expect(rows).toEqual([
    { agent_id: 'one', running_hash: null, attempted_hash: null },
    { agent_id: 'two', running_hash: OTHER, attempted_hash: OLD },
  ]);
  expect(await rowOf('two')).toMatchObject({
    state: 'rejected',
    errors: [{ path: 'a\ufffd', message: 'half \ufffd' }],
  });
});

test('a reason that is cut in the middle of a character is told all the same', async () => {
  await addAgent('one', OLD);
  const { deliverer, reports } = server();
  await deliverer.work();
  const from = { agent_id: 'one', instance_id: 'one\0', hash: OLD };
  const long = `${'x'.repeat(1_020)}\u{1f600}\u{1f600}\u{1f600}`;
  const error = { path: 'a', message: long.slice(0, 1_024) };
  reports.answer(from, { ok: false, error: undefined, outcome: { errors: [error] } });
  await deliverer.work();
  expect(await rowOf('one')).toMatchObject({ state: 'rejected', errors: [error] });
  const { conditions } = await database.pool
    .selectFrom('agents')
    .select('conditions')
    .where('id', '=', 'one')
    .executeTakeFirstOrThrow();
  expect(conditions).toMatchObject([{ message: `a: ${'x'.repeat(1_020)}\ufffd` }]);
});
