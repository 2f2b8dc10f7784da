/** What tests may rely on when they ask for a database. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestPostgres, testPostgres } from './postgres.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await testPostgres();
});
afterAll(() => postgres.stop());

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

test('fresh databases do not see each other', async () => {
  const one = await postgres.freshDatabase();
  const two = await postgres.freshDatabase();
  await query(one.migrateUrl, 'CREATE TABLE t (a int)');
  await expect(query(two.migrateUrl, 'SELECT * FROM t')).rejects.toThrow(/does not exist/);
  await one.drop();
  await two.drop();
  await expect(query(one.url, 'SELECT 1')).rejects.toThrow(/does not exist/);
});

test('the application role uses what the owner makes and makes nothing itself', async () => {
  const database = await postgres.freshDatabase();
  await query(database.migrateUrl, 'CREATE TABLE t (a serial, b int)');
  await query(database.url, 'INSERT INTO t (b) VALUES (7)');
  expect(await query(database.url, 'SELECT b FROM t')).toEqual([{ b: 7 }]);
  await expect(query(database.url, 'CREATE TABLE u (a int)')).rejects.toThrow(/permission denied/);
  await expect(query(database.url, 'DROP TABLE t')).rejects.toThrow(/must be owner/);
  await database.drop();
});

test('a migrated template is made once and copied', async () => {
  let runs = 0;
  const options = {
    key: `shape_${process.pid}`,
    migrate: async (url: string) => {
      runs += 1;
      await query(url, 'CREATE TABLE shaped (a int)');
    },
  };
  const [one, two] = await Promise.all([
    postgres.freshDatabase(options),
    postgres.freshDatabase(options),
  ]);
  expect(runs).toBe(1);
  for (const database of [one, two]) {
    expect(await query(database.url, 'SELECT count(*)::int AS n FROM shaped')).toEqual([{ n: 0 }]);
    await database.drop();
  }
});
