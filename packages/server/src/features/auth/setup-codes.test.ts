/** The set-up code of the first start: there is one, whoever starts at once. */
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { secretHash } from '../../kernel/ids.ts';
import { sql } from '../../kernel/sql.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import { isSetupCode, replaceSetupCode } from './users.store.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.stop());

test('of two replicas that start at once one set-up code is good, and that of the second', async () => {
  const { database } = server;
  const code = (name: string) => secretHash(`code ${name}`);
  const give = (name: string, then?: () => Promise<void>) =>
    database.transaction(async (tx) => {
      await replaceSetupCode(tx, code(name), new Date());
      await then?.();
    });
  let second: Promise<void> | undefined;
  // The second begins before the first has committed, and cannot see what that gives.
  await give('first', async () => {
    second = give('second');
    await waitFor(async () => {
      const { rows } =
        await sql`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`.execute(
          database.pool,
        );
      return rows.length > 0;
    });
  });
  await second;
  expect(await isSetupCode(database.pool, code('second'))).toBe(true);
  expect(await isSetupCode(database.pool, code('first'))).toBe(false);
  expect(await database.pool.selectFrom('setup_codes').selectAll().execute()).toHaveLength(1);
});
