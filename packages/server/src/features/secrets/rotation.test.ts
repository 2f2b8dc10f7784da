/** Rotation of the master key: nothing unreadable for a moment, nothing lost by a kill, nothing left behind. */
import { readFileSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import {
  fixedKeyring,
  type Keyring,
  newMasterKey,
  openKeyring,
  readSealedJson,
  sealedUnder,
  writeMasterKeys,
  writeSealedJson,
} from '@opmas/keyring';
import {
  type TempDir,
  type TestDatabase,
  type TestPostgres,
  tempDir,
  testPostgres,
  waitFor,
} from '@opmas/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { sql } from '../../kernel/sql.ts';
import { openPostgres } from '../../platform/database/postgres.ts';
import type { Database } from '../../platform/ports.ts';
import { migratedDatabase } from '../../testing/database.ts';
import { CHAIN_COLUMN } from './key-chain.ts';
import { createRotation } from './rotation.ts';
import { createVault } from './vault.ts';

let postgres: TestPostgres;
let testDatabase: TestDatabase;
let database: Database;
let dir: TempDir;
let keyring: Keyring;
let now = 1_800_000_000_000;
const clock: Clock = { now: () => now, monotonic: () => now };

beforeAll(async () => {
  postgres = await testPostgres();
});
beforeEach(async () => {
  testDatabase = await migratedDatabase(postgres);
  database = openPostgres({ url: testDatabase.url, logger: silentLogger });
  dir = tempDir('rotation');
  keyring = openKeyring(join(dir.path, 'keys', 'master.key'), { make: true });
  return async () => {
    await database.close();
    await testDatabase.drop();
    dir.remove();
  };
});
afterAll(() => postgres.stop());

const server = (overlapMs = 0, ring = keyring, on = database) =>
  createRotation({
    database: on,
    keyring: ring,
    columns: [CHAIN_COLUMN],
    directory: join(dir.path, 'keys'),
    overlapMs,
    clock,
    logger: silentLogger,
  });
const begin = (rotation = server()) => database.transaction((tx) => rotation.begin(tx));

async function store(name: string, text: string, ring = keyring): Promise<void> {
  await database.transaction(async (tx) => {
    const sealed = await createVault(ring).seal(tx, CHAIN_COLUMN, [name, name], text);
    const created_at = new Date(now);
    await tx.insertInto('key_chain').values({ name, id: name, sealed, created_at }).execute();
  });
}

async function read(name: string, ring = keyring): Promise<string> {
  const { sealed } = await database.pool
    .selectFrom('key_chain')
    .select('sealed')
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
  return createVault(ring).openText(CHAIN_COLUMN, [name, name], sealed);
}

async function storeMany(count: number): Promise<void> {
  const vault = createVault(keyring);
  const rows = await database.transaction((tx) =>
    Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const id = String(index);
        const sealed = await vault.seal(tx, CHAIN_COLUMN, ['many', id], `value ${index}`);
        return { name: 'many', id, sealed };
      }),
    ),
  );
  await sql`
    INSERT INTO key_chain (name, id, sealed, created_at)
    SELECT 'many', t.id, t.sealed, now()
    FROM unnest(${rows.map(({ id }) => id)}::text[], ${rows.map(({ sealed }) => sealed)}::text[])
      AS t (id, sealed)`.execute(database.pool);
}

describe('X24 rotation of the master key', () => {
  test('leaves everything readable at every moment and nothing under the old key', async () => {
    await storeMany(1_200);
    await store('steady', 'text');
    writeSealedJson(keyring, join(dir.path, 'keys', 'deep', 'a.sealed'), { a: 1 });
    const rotation = server();
    const { key_id, former } = await begin(rotation);
    expect(key_id).not.toBe(former);
    let working = true;
    const work = rotation.work().finally(() => {
      working = false;
    });
    let written = 0;
    while (working) {
      expect(await read('steady')).toBe('text');
      await store(`during ${written}`, `text ${written}`);
      written += 1;
    }
    await work;
    expect(await rotation.status(database.pool)).toMatchObject({
      key_id,
      rotating: false,
      older: [],
      sealed: { current: 1_202 + written, older: 0, unreadable: 0 },
    });
    const onlyNew = openKeyring(keyring.path, { make: false });
    expect(onlyNew.find(former)).toBeUndefined();
    expect(await read('steady', onlyNew)).toBe('text');
    for (let index = 0; index < written; index += 1) {
      expect(await read(`during ${index}`, onlyNew)).toBe(`text ${index}`);
    }
    expect(readSealedJson(onlyNew, join(dir.path, 'keys', 'deep', 'a.sealed'))).toEqual({ a: 1 });
  });

  test('what was read just before the old key went still opens', async () => {
    await store('a', 'text');
    const { sealed } = await database.pool
      .selectFrom('key_chain')
      .select('sealed')
      .executeTakeFirstOrThrow();
    const rotation = server();
    await begin(rotation);
    await rotation.work();
    expect(keyring.keys()).toHaveLength(1);
    expect(createVault(keyring).openText(CHAIN_COLUMN, ['a', 'a'], sealed)).toBe('text');
  });

  test('goes on after a kill, wherever it was', async () => {
    await storeMany(limits.sealedBatch + 10);
    const { key_id, former } = await begin();
    // Killed after one batch was committed.
    const failing = {
      ...database,
      transaction: (async (work) => {
        const before = await countUnder(key_id);
        if (before > 0) throw new Error('killed');
        return database.transaction(work);
      }) as Database['transaction'],
    };
    await expect(server(0, keyring, failing).work()).rejects.toThrow('killed');
    expect(await countUnder(key_id)).toBe(limits.sealedBatch);
    expect(await countUnder(former)).toBe(10);

    await server(0, openKeyring(keyring.path, { make: false })).work();
    expect(await countUnder(former)).toBe(0);
    expect(keyring.keys().map(({ id }) => id)).toEqual([key_id]);
  });

  test('the old key is dropped only when replicas have had their time', async () => {
    await store('a', 'text');
    const rotation = server(60_000);
    const { key_id, former } = await begin(rotation);
    await rotation.work();
    expect(await countUnder(former)).toBe(0);
    expect(keyring.keys().map(({ id }) => id)).toEqual([key_id, former]);
    expect(await rotation.status(database.pool)).toMatchObject({
      rotating: true,
      older: [{ key_id: former, retiring_since: new Date(now).toISOString() }],
    });
    await expect(begin(rotation)).rejects.toMatchObject({ code: 'OPMAS_CONFLICT' });
    now += 60_000;
    await rotation.work();
    expect(keyring.keys().map(({ id }) => id)).toEqual([key_id]);
  });

  test('who is sealing just now is waited for: nothing is sealed under a key that is gone', async () => {
    const rotation = server();
    const stale = fixedKeyring([keyring.keys()[0]]);
    await begin(rotation);
    let dropped: Promise<void> = Promise.resolve();
    await database.transaction(async (tx) => {
      // A replica that read the key file before it changed.
      const sealed = await createVault(stale).seal(tx, CHAIN_COLUMN, ['late', 'late'], 'text');
      dropped = rotation.work();
      await waitFor(async () => {
        const { rows } = await sql<{ waiting: number }>`
          SELECT count(*) AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`.execute(
          database.pool,
        );
        return (rows[0]?.waiting ?? 0) > 0;
      });
      await tx
        .insertInto('key_chain')
        .values({ name: 'late', id: 'late', sealed, created_at: new Date(now) })
        .execute();
    });
    await dropped;
    expect(keyring.keys()).toHaveLength(1);
    expect(await read('late')).toBe('text');
  });

  test('the old key stays while what was rewrapped under the lock is not committed', async () => {
    await store('a', 'text');
    const { former } = await begin();
    let calls = 0;
    const losing = {
      ...database,
      transaction: (async (work) => {
        calls += 1;
        // The batches find nothing, as if the row were locked; what follows loses its connection before the commit.
        if (calls === 1) return { next: undefined, changed: 0 };
        return database.transaction(async (tx) => {
          await work(tx);
          throw new Error('connection lost');
        });
      }) as Database['transaction'],
    };
    await expect(server(0, keyring, losing).work()).rejects.toThrow('connection lost');
    expect(calls).toBe(2);
    expect(keyring.keys().map(({ id }) => id)).toContain(former);
    expect(await read('a')).toBe('text');
    await server().work();
    expect(keyring.keys().map(({ id }) => id)).not.toContain(former);
    expect(await read('a')).toBe('text');
  });

  test('a row somebody is changing meanwhile is waited for, not left under a key that is gone', async () => {
    await storeMany(5);
    await store('busy', 'text');
    await begin();
    let working: Promise<void> = Promise.resolve();
    await database.transaction(async (tx) => {
      await sql`UPDATE key_chain SET created_at = now() WHERE name = 'busy'`.execute(tx);
      working = server().work();
      await waitFor(async () => {
        const { rows } = await sql<{ waiting: number }>`
          SELECT count(*) AS waiting FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted`.execute(
          database.pool,
        );
        return (rows[0]?.waiting ?? 0) > 0;
      });
      expect(keyring.keys()).toHaveLength(2);
    });
    await working;
    expect(keyring.keys()).toHaveLength(1);
    expect(await read('busy')).toBe('text');
  });

  test('a replica that has only the old key says which one it lacks', async () => {
    const replica = fixedKeyring([keyring.keys()[0]]);
    await store('a', 'text');
    const rotation = server();
    const { key_id } = await begin(rotation);
    await rotation.work();
    await expect(read('a', replica)).rejects.toMatchObject({
      code: 'OPMAS_SECRET_UNREADABLE',
      message: expect.stringContaining(`master key ${key_id}, which (memory) does not hold`),
    });
  });

  test('a line an operator added is used up, and left in the file', async () => {
    await store('a', 'text');
    const [old] = keyring.keys();
    const added = newMasterKey();
    writeMasterKeys(keyring.path, [added, old]);
    await server().work();
    expect(await countUnder(added.id)).toBe(1);
    expect(keyring.keys().map(({ id }) => id)).toEqual([added.id, old.id]);
  });

  test('a mounted key file is left to its owner, with what to do', async () => {
    renameSync(keyring.path, `${keyring.path}.mounted`);
    symlinkSync(`${keyring.path}.mounted`, keyring.path);
    const before = readFileSync(keyring.path);
    await expect(begin()).rejects.toMatchObject({
      code: 'OPMAS_CONFLICT',
      message: expect.stringContaining('openssl rand -base64 32'),
    });
    expect(readFileSync(keyring.path)).toEqual(before);
  });

  test('a value that was damaged holds up nothing, and is left as it was', async () => {
    await storeMany(20);
    const [row] = await database.pool.selectFrom('key_chain').select('sealed').limit(1).execute();
    const damaged = `${row?.sealed.slice(0, 20)}AAAA${row?.sealed.slice(24)}`;
    await database.pool
      .updateTable('key_chain')
      .set({ sealed: damaged })
      .where('id', '=', '7')
      .execute();
    const rotation = server();
    const { key_id } = await begin(rotation);
    await rotation.work();
    expect(await countUnder(key_id)).toBe(19);
    const left = await database.pool
      .selectFrom('key_chain')
      .select('sealed')
      .where('id', '=', '7')
      .executeTakeFirstOrThrow();
    expect(left.sealed).toBe(damaged);
    expect(await rotation.status(database.pool)).toMatchObject({ sealed: { unreadable: 1 } });
  });

  test('X24 two values exchanged in the database do not open', async () => {
    await store('one', 'first');
    await store('two', 'second');
    await sql`
      UPDATE key_chain a SET sealed = b.sealed FROM key_chain b WHERE a.name <> b.name`.execute(
      database.pool,
    );
    for (const name of ['one', 'two']) {
      await expect(read(name)).rejects.toMatchObject({ code: 'OPMAS_SECRET_UNREADABLE' });
    }
  });
});

async function countUnder(keyId: string): Promise<number> {
  const rows = await database.pool.selectFrom('key_chain').select('sealed').execute();
  return rows.filter(({ sealed }) => sealedUnder(sealed) === keyId).length;
}
