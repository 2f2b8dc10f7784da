/** Signing keys: one set for all replicas, sealed at rest, renewed without a moment of refusal. */
import { fixedKeyring, newMasterKey } from '@opmas/keyring';
import { type TestDatabase, type TestPostgres, testPostgres, waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../kernel/clock.ts';
import { systemIds } from '../../kernel/ids.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { sql } from '../../kernel/sql.ts';
import { openPostgres } from '../../platform/database/postgres.ts';
import type { Database } from '../../platform/ports.ts';
import { migratedDatabase } from '../../testing/database.ts';
import { ACTIVE_AFTER_MS, createKeyChain, OVERLAP_MS, RENEW_MS } from './key-chain.ts';
import { lockForRotation } from './secrets.store.ts';
import { createVault } from './vault.ts';

const keyring = fixedKeyring([newMasterKey()]);
let postgres: TestPostgres;
let test_: TestDatabase;
let database: Database;
let now = 1_800_000_000_000;
const clock: Clock = { now: () => now, monotonic: () => now };
const replica = (ring = keyring) =>
  createKeyChain({ database, vault: createVault(ring), clock, ids: systemIds });

beforeAll(async () => {
  postgres = await testPostgres();
});
beforeEach(async () => {
  test_ = await migratedDatabase(postgres);
  database = openPostgres({ url: test_.url, logger: silentLogger });
  return async () => {
    await database.close();
    await test_.drop();
  };
});
afterAll(() => postgres.stop());

const idsOf = async (chain: ReturnType<typeof replica>) =>
  (await chain.keys('access-token')).map(({ id }) => id);

describe('the key chain', () => {
  test('replicas that start together share one key of each name', async () => {
    const replicas = Array.from({ length: 5 }, () => replica());
    const chains = await Promise.all(
      replicas.flatMap((each) => [each.keys('access-token'), each.keys('audit-seal')]),
    );
    expect(
      new Set(chains.map((keys) => Buffer.from(keys[0]?.bytes ?? []).toString('hex'))).size,
    ).toBe(2);
    expect(chains.every((keys) => keys.length === 1 && keys[0]?.bytes.length === 32)).toBe(true);
  });

  test('the database holds no key that opens without the master key', async () => {
    const [key] = await replica().keys('access-token');
    const row = await database.pool.selectFrom('key_chain').selectAll().executeTakeFirstOrThrow();
    const bytes = Buffer.from(key?.bytes ?? []);
    for (const form of ['hex', 'base64', 'base64url'] as const) {
      expect(row.sealed).not.toContain(bytes.toString(form));
    }
    const stranger = replica(fixedKeyring([newMasterKey()]));
    await expect(stranger.keys('access-token')).rejects.toMatchObject({
      code: 'OPMAS_SECRET_UNREADABLE',
      message: expect.stringContaining('does not hold'),
    });
  });

  test('a renewal that meets a rotation with new signing keys waits for it', async () => {
    const chain = replica();
    await chain.keys('access-token');
    now += RENEW_MS;
    const waiting = async () => {
      const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM pg_locks
        WHERE locktype = 'advisory' AND NOT granted`.execute(database.pool);
      return (rows[0]?.n ?? 0) > 0;
    };
    const { renewal } = await database.transaction(async (tx) => {
      await lockForRotation(tx);
      const renewing = replica().renew();
      await waitFor(waiting);
      await chain.replace(tx);
      return { renewal: renewing };
    });
    await expect(renewal).resolves.toBeUndefined();
    expect(await idsOf(replica())).toHaveLength(1);
  });

  test('answers from memory while the database is away', async () => {
    const chain = replica();
    const before = await idsOf(chain);
    await database.close();
    expect(await idsOf(chain)).toEqual(before);
  });

  test('a token key is renewed after 30 days, signs once all replicas know it, and goes when nothing needs it', async () => {
    const [one, other] = [replica(), replica()];
    const [first] = await idsOf(one);
    await idsOf(other);
    now += RENEW_MS - 1;
    await one.renew();
    await one.refresh();
    expect(await idsOf(one)).toEqual([first]);

    now += 1;
    await Promise.all([one.renew(), other.renew()]);
    await one.refresh();
    const both = await idsOf(one);
    expect(both).toHaveLength(2);
    // A replica that has not looked yet must not meet a signature it cannot verify.
    expect(both[0]).toBe(first);

    now += ACTIVE_AFTER_MS;
    await one.refresh();
    const [second] = await idsOf(one);
    expect(second).toBe(both[1]);
    expect(await idsOf(one)).toContain(first);

    now += OVERLAP_MS - ACTIVE_AFTER_MS - 1;
    await one.renew();
    await one.refresh();
    expect(await idsOf(one)).toEqual([second, first]);
    now += 1;
    await one.renew();
    await one.refresh();
    expect(await idsOf(one)).toEqual([second]);
  });

  test('replacing the keys drops token keys at once and keeps every audit key', async () => {
    const chain = replica();
    const [token] = await idsOf(chain);
    const [seal] = await chain.keys('audit-seal');
    await database.transaction((tx) => chain.replace(tx));
    await chain.refresh();
    expect(await idsOf(chain)).toHaveLength(1);
    expect(await idsOf(chain)).not.toContain(token);
    const seals = await chain.keys('audit-seal');
    expect(seals.map(({ id }) => id)).toContain(seal?.id);
    expect(seals).toHaveLength(2);
  });
});
