/** Who is heard again is late no more, however long the news of the silence waited. */
import { type TestDatabase, testPostgres, waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Clock } from '../../kernel/clock.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { sql } from '../../kernel/sql.ts';
import { openPostgres } from '../../platform/database/postgres.ts';
import type { Database } from '../../platform/ports.ts';
import { migratedDatabase } from '../../testing/database.ts';
import { createAgentsService } from '../agents/index.ts';
import { createTelemetryService } from './telemetry.service.ts';

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

/** Statements that wait for somebody's lock. */
async function waiting(): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(database.pool);
  return rows[0]?.n ?? 0;
}

test('a silence that is written late does not overwrite the voice that ended it', async () => {
  let now = Date.now();
  const clock: Clock = { now: () => now, monotonic: () => now };
  const audit = { record: () => Promise.resolve() };
  const agents = createAgentsService({ audit: audit as never, clock });
  const telemetry = createTelemetryService({ database, agents, clock });
  for (const id of ['first-1', 'second-1']) {
    await sql`
      INSERT INTO agents (id, name, type, version, status, package_path, created_at, updated_at)
      VALUES (${id}, ${id}, 'test', '1.0.0', 'running', ${`/agents/${id}`}, now(), now())`.execute(
      database.pool,
    );
  }
  const beat = (agent_id: string) =>
    telemetry.heartbeat({
      agent_id,
      status: 'healthy',
      timestamp: new Date(now).toISOString(),
      uptime: 1,
      interval: 1,
    });
  beat('first-1');
  beat('second-1');
  now += 2_000;
  let sweeping: Promise<number> | undefined;
  await database.transaction(async (tx) => {
    await agents.lock(tx, 'first-1');
    sweeping = telemetry.sweep();
    // The first is being written, the second still to be.
    await waitFor(async () => (await waiting()) === 1);
    const heard = beat('second-1');
    if (heard === undefined) throw new Error('it was silent before');
    await telemetry.presenceChanged(heard);
  });
  await sweeping;
  const conditions = async (id: string) =>
    (await agents.find(database.pool, id)).conditions.map(({ type }) => type);
  expect(await conditions('first-1')).toEqual(['late']);
  expect(await conditions('second-1')).toEqual([]);
});
