/** What commands ask of hosts, and that one agent's trouble keeps no other's wishes from them. */
import { type TestDatabase, testPostgres } from '@opmas/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import { systemIds } from '../../kernel/ids.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { sql } from '../../kernel/sql.ts';
import type { Caller } from '../../operation.ts';
import { openPostgres } from '../../platform/database/postgres.ts';
import type { Database } from '../../platform/ports.ts';
import { migratedDatabase } from '../../testing/database.ts';
import { createAgentsService } from '../agents/index.ts';
import { type Command, createLifecycleService } from './lifecycle.service.ts';

let postgres: Awaited<ReturnType<typeof testPostgres>>;
let fresh: TestDatabase;
let database: Database;
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
beforeEach(() => sql`TRUNCATE agents CASCADE`.execute(database.pool));

const CALLER = { kind: 'user', id: 'u1', name: 'ann' } as Caller;

function bench({ refuses = '', isUp = true } = {}) {
  const consumers: string[] = [];
  const told: string[] = [];
  const agents = createAgentsService({
    audit: { record: () => Promise.resolve() } as never,
    clock: systemClock,
  });
  const lifecycle = createLifecycleService({
    database,
    agents,
    broker: {
      isUp: () => isUp,
      ensureConsumers: async (name: string) => {
        consumers.push(name);
        if (name.startsWith(refuses) && refuses !== '') throw new Error(`not for ${name}`);
      },
      desiredKeys: async () => [],
      setDesired: async (_host: string, id: string) => void told.push(id),
    },
    clock: systemClock,
    ids: systemIds,
    logger: silentLogger,
    hostId: 'local',
  } as never);
  const add = (id: string, more: { status?: string; desired?: string } = {}) => {
    const { status = 'running', desired = 'running' } = more;
    return sql`
      INSERT INTO agents (id, name, type, version, status, desired, package_path, package_dir, host_id,
                          created_at, updated_at)
      VALUES (${id}, ${id}, 'test', '1.0.0', ${status}, ${desired}, ${`/agents/${id}`}, '/packages/x',
              'local', now(), now())`.execute(database.pool);
  };
  const command = (id: string, what: Command) =>
    database.transaction((tx) => lifecycle.command(tx, id, what, CALLER));
  const generation = async (id: string) => (await agents.get(database.pool, id)).generation;
  return { lifecycle, agents, add, command, generation, consumers, told };
}

test('to start an agent that runs well restarts nothing; it is done at once', async () => {
  const { add, command, generation, lifecycle } = bench();
  await add('well');
  const action = await command('well', 'start');
  expect(action).toMatchObject({ command: 'start', state: 'done' });
  expect(await lifecycle.action(database.pool, action.action_id, 'all')).toMatchObject({
    state: 'done',
  });
  expect(await generation('well')).toBe(1);
  expect(await command('well', 'restart')).toMatchObject({ state: 'pending' });
  expect(await generation('well')).toBe(2);
});

test('to start one that does not, or not well, is up to its host', async () => {
  const { add, agents, command, generation } = bench();
  await add('stopped', { status: 'stopped', desired: 'stopped' });
  await add('failed', { status: 'failed' });
  await add('ending', { desired: 'stopped' });
  await add('silent');
  await database.transaction((tx) =>
    agents.change(tx, 'silent', {
      conditions: [{ type: 'offline', present: true, reason: 'no_heartbeat', message: '' }],
    }),
  );
  for (const id of ['stopped', 'failed', 'ending', 'silent']) {
    expect([id, await command(id, 'start')]).toMatchObject([id, { state: 'pending' }]);
    expect([id, await generation(id)]).toEqual([id, 2]);
  }
});

test('an agent whose consumers cannot be made keeps no other from its host', async () => {
  const { add, consumers, told, lifecycle } = bench({ refuses: 'bad' });
  for (const id of ['bad', 'good', 'well']) await add(id);
  await expect(lifecycle.project()).rejects.toThrow('not for bad');
  expect(consumers.toSorted((a, b) => a.localeCompare(b))).toEqual(['bad', 'good', 'well']);
  expect(new Set(told)).toEqual(new Set(['bad', 'good', 'well']));
});

test('where none can be made, or the broker is away, it is not tried for all of them', async () => {
  const refusing = bench({ refuses: 'bad' });
  for (let n = 0; n < 30; n += 1) await refusing.add(`bad-${n}`);
  await expect(refusing.lifecycle.project()).rejects.toThrow('not for bad');
  expect(refusing.consumers.length).toBeLessThan(10);
  const away = bench({ refuses: 'bad', isUp: false });
  await expect(away.lifecycle.project()).rejects.toThrow('not for bad');
  expect(away.consumers).toHaveLength(1);
});
