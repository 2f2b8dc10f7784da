/** The background work of a whole server. */
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from './kernel/sql.ts';
import { addAgent } from './testing/agents.ts';
import { LONG } from './testing/fleet.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.stop());

test('what is old is taken away, also after something that could not be', async () => {
  const { pool } = server.database;
  const agent = await addAgent(server.database, 'wifi');
  await sql`ALTER TABLE config_instances RENAME TO config_instances_aside`.execute(pool);
  await sql`INSERT INTO telemetry_keys (message_key, recorded_at)
    VALUES ('old', now() - interval '1 day'), ('new', now())`.execute(pool);
  const action = (id: string, state: string, days: number) =>
    sql`
    INSERT INTO actions (action_id, agent_id, command, state, generation, created_by, created_at, deadline)
    VALUES (${id}, ${agent}, 'start', ${state}, 1, 'ann', now() - ${days} * interval '1 day',
            now() + interval '1 day')`.execute(pool);
  const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
  await action(id(1), 'done', 91);
  await action(id(2), 'pending', 91);
  await action(id(3), 'done', 89);
  await server.restart();
  const left = async () => {
    const keys = await pool.selectFrom('telemetry_keys').select('message_key').execute();
    const actions = await pool.selectFrom('actions').select('action_id').execute();
    return [...keys.map((row) => row.message_key), ...actions.map((row) => row.action_id)];
  };
  await waitFor(async () => (await left()).length === 3, LONG);
  expect(new Set(await left())).toEqual(new Set(['new', id(2), id(3)]));
});

test('a server that stops without its broker leaves its work to the next at once', async () => {
  const other = await testServer();
  const leases = () =>
    sql<{
      name: string;
      held: boolean;
    }>`SELECT name, expires_at > now() AS held FROM leases ORDER BY name`
      .execute(other.database.pool)
      .then(({ rows }) => rows);
  try {
    await waitFor(async () => (await leases()).filter(({ held }) => held).length === 4, LONG);
    await other.app.bus.close();
    await other.app.stop().catch(() => undefined);
    expect((await leases()).filter(({ held }) => held)).toEqual([]);
  } finally {
    await other.stop();
  }
});
