/** A database that goes away in the middle of work is an error of that work, never the end of the process. */
import { testPostgres } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isDatabaseAway } from '../../kernel/database-away.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { sql } from '../../kernel/sql.ts';
import { openPostgres } from './postgres.ts';

let postgres: Awaited<ReturnType<typeof testPostgres>>;
let fresh: Awaited<ReturnType<typeof postgres.freshDatabase>>;
beforeAll(async () => {
  postgres = await testPostgres();
  fresh = await postgres.freshDatabase();
});
afterAll(async () => {
  await fresh.drop();
  await postgres.stop();
});

const open = (url: string) => openPostgres({ url, logger: silentLogger });

test('a connection ended inside a transaction rejects it as "away", and the next one works', async () => {
  const database = open(fresh.url);
  const killer = open(fresh.superUrl);
  // As the last statement of the transaction, and with one more sent over the lost connection.
  for (const statements of [0, 1, 2]) {
    const failure: unknown = await database
      .transaction(async (tx) => {
        const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(tx);
        await sql`SELECT pg_terminate_backend(${rows[0]?.pid}, 5000)`.execute(killer.pool);
        let last: unknown;
        for (let number = 0; number < statements; number += 1) {
          last = await sql`SELECT ${number}::int`.execute(tx).catch((error: unknown) => error);
        }
        if (last instanceof Error) throw last;
      })
      .catch((error: unknown) => error);
    expect([statements, failure, isDatabaseAway(failure)]).toEqual([
      statements,
      expect.any(Error),
      true,
    ]);
    await sql`SELECT 1`.execute(database.pool);
  }
  await database.close();
  await killer.close();
});
