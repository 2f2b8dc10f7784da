/** What is answered of configurations that are large, not valid any more, or changed while they are read. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import { agentScope, environmentScope, type ScopeRef } from './scopes.ts';
import { type ConfigBench, configBench } from './testing.ts';

let bench: ConfigBench;
beforeAll(async () => {
  bench = await configBench();
});
afterAll(() => bench.stop());

const inTx = <T>(work: (tx: Executor) => Promise<T>) => bench.database.transaction(work);
const replace = (ref: ScopeRef, document: object) =>
  inTx((tx) => bench.configs.replace(tx, ref, { document: { ...document }, author: 'test' }));

test('what a change asks of an agent is told, however much else changes with it', async () => {
  const [id = ''] = await bench.addAgents(1, 'wide');
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`a${at}`, at]));
  const preview = await bench.configs.validate(bench.database.pool, agentScope(id), {
    ...many,
    nats: { url: 'nats://elsewhere:4222' },
    subscribed_topics: ['logs.wifi'],
  });
  expect(preview.counts).toMatchObject({ changed: 1, restart: 1, reprovision: 1 });
  expect(preview.affected).toMatchObject([{ more: 32, restart: true, reprovision: true }]);
  expect(preview.affected[0]?.changes).toHaveLength(20);
});

test('the layer of an agent without a valid configuration can be read, and mended', async () => {
  const [id = ''] = await bench.addAgents(1, 'spoilt');
  const pool = bench.database.pool;
  const ref = agentScope(id);
  await replace(ref, { own: { a: 1 } });
  const { hash } = await bench.configs.effective(pool, id);
  await sql`UPDATE agents SET config_schema = '{"type": "object", "properties": {}, "additionalProperties": false}'
    WHERE id = ${id}`.execute(pool);
  await expect(bench.configs.effective(pool, id)).rejects.toMatchObject({
    code: 'OPMAS_INVALID_CONFIGURATION',
  });
  expect(await bench.configs.effective(pool, id, { layer: 'database' })).toEqual({
    agent_id: id,
    version: 1,
    // What it was told last, and goes on with.
    hash,
    config: { own: { a: 1 } },
  });
  await replace(ref, {});
  expect((await bench.configs.effective(pool, id)).config).not.toHaveProperty('own');
});

test('the layer of an agent with a secret that is gone can be read, and the secret set anew', async () => {
  const [id = ''] = await bench.addAgents(1, 'robbed');
  const pool = bench.database.pool;
  const ref = agentScope(id);
  await replace(ref, { own: { key: { $secret: 'one' } } });
  await sql`DELETE FROM config_secrets WHERE owner = ${id}`.execute(pool);
  const { config } = await bench.configs.effective(pool, id, { layer: 'database' });
  expect(config).toEqual({ own: { key: { $secret: '********' } } });
  await replace(ref, { own: { key: { $secret: 'two' } } });
  const told = (await bench.configs.allTold(pool, [id])).get(id);
  expect(told).toMatchObject({ config: { own: { key: 'two' } } });
});

test('a package that changes while a configuration is read is in it all the same', async () => {
  const [id = ''] = await bench.addAgents(1, 'upgraded');
  const pool = bench.database.pool;
  const upgrade = (version: number) =>
    sql`UPDATE agents SET default_config = ${JSON.stringify({ own: { version } })}::jsonb
      WHERE id = ${id}`.execute(pool);
  await upgrade(1);
  let isUpgraded = false;
  const racing = pool.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      if (!isUpgraded) {
        isUpgraded = true;
        await upgrade(2);
      }
      return result;
    },
  });
  const { config } = await bench.configs.effective(racing, id);
  expect(config).toMatchObject({ own: { version: 2 } });
});

test('a page of large versions ends early, and the pages together are all of them', async () => {
  const pool = bench.database.pool;
  const ref = environmentScope('staging');
  const count = 30;
  const size = 500_000;
  await sql`
    INSERT INTO config_layers (scope, scope_id, version, document, hash, author, created_at)
    SELECT 'environment', 'staging', n, jsonb_build_object('own', repeat('x', ${size})), n, 'test', now()
    FROM generate_series(1, ${count}::int) n`.execute(pool);
  const seen: number[] = [];
  for (let cursor: number | undefined = count + 1; cursor !== undefined; ) {
    const { items, next } = await bench.configs.history(pool, ref, 50, cursor);
    expect(JSON.stringify(items).length).toBeLessThan(10_000_000);
    expect(items.length).toBeGreaterThan(0);
    seen.push(...items.map(({ version }) => version));
    cursor = next;
  }
  expect(seen).toEqual(Array.from({ length: count }, (_, at) => count - at));
});
