/** What the broker is told of keys: each thing once, and everything when it may have forgotten. */
import { testPostgres } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../../kernel/logger.ts';
import { openPostgres } from '../../platform/database/postgres.ts';
import type { Database } from '../../platform/ports.ts';
import { migratedDatabase } from '../../testing/database.ts';
import { movingClock } from '../../testing/moving-clock.ts';
import type { BrokerAccount } from './credentials.ts';
import { createRevocations } from './revocations.ts';

const HOUR_MS = 3_600_000;

/** No server runs on it, which would tell the broker too. */
let database: Database;
const closing: (() => Promise<void>)[] = [];
beforeAll(async () => {
  const postgres = await testPostgres();
  closing.push(() => postgres.stop());
  const fresh = await migratedDatabase(postgres);
  closing.push(() => fresh.drop());
  database = openPostgres({ url: fresh.url, logger: silentLogger });
  closing.push(() => database.close());
});
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

test('burned keys are kept for good, and told of as forgotten once', async () => {
  const clock = movingClock();
  const told: Parameters<BrokerAccount['publish']>[0][] = [];
  const revocations = createRevocations({
    database,
    account: { id: 'test', publish: async (claims) => void told.push(claims) },
    clock,
    logger: silentLogger,
  });
  const burn = (publicKey: string) =>
    revocations.revoke(database.pool, {
      publicKey,
      agentId: null,
      issuedAt: 0,
      burn: true,
      reason: 'test',
    });
  const pushed = async () => {
    await revocations.push();
    const last = told.at(-1);
    return { forget: last?.forget, revoked: Object.keys(last?.revocations ?? {}) };
  };
  await burn('first');
  expect(await pushed()).toEqual({ forget: [], revoked: ['first'] });
  clock.move(2 * HOUR_MS);
  await burn('second');
  expect(await pushed()).toEqual({ forget: ['first'], revoked: ['second'] });
  clock.move(2 * HOUR_MS);
  await burn('third');
  expect(await pushed()).toEqual({ forget: ['second'], revoked: ['third'] });
  revocations.forgetTold();
  const { forget, revoked } = await pushed();
  expect(new Set(forget)).toEqual(new Set(['first', 'second']));
  expect(revoked).toEqual(['third']);
  expect((await revocations.ofKey(database.pool, 'first')).burned).toBe(true);
});
