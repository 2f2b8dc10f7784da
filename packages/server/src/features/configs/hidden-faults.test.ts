/** What an older release stored under a higher layer: the ways back and what ends by itself go on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import { FLEET, runtimeScope, type ScopeRef } from './scopes.ts';
import { type ConfigBench, configBench } from './testing.ts';

let bench: ConfigBench;
let ids: string[];
beforeAll(async () => {
  bench = await configBench();
  ids = await bench.addAgents(2, 'old');
});
afterAll(() => bench.stop());

const inTx = <T>(work: (tx: Executor) => Promise<T>) => bench.database.transaction(work);
const replace = (ref: ScopeRef, document: object) =>
  inTx((tx) => bench.configs.replace(tx, ref, { document: { ...document }, author: 'test' }));
const LOUD = { monitoring: { log_level: 'LOUD' } };

test('the way back of a rollout is open, and so is what hides it', async () => {
  const { configs, database } = bench;
  for (const id of ids) await replace(runtimeScope(id), { log_level: 'DEBUG' });
  await replace(FLEET, { own: { a: 1 } });
  await sql`UPDATE config_layers SET document = ${JSON.stringify(LOUD)}::jsonb, hash = 'loud'
    WHERE scope = 'fleet'`.execute(database.pool);
  await inTx((tx) => configs.refreshAll(tx));
  const holder = '00000000-0000-4000-8000-000000000001';
  const content = { document: { own: { a: 2 } } };
  const { from } = await inTx((tx) =>
    configs.staging.stage(tx, FLEET, { holder, content, author: 'test' }),
  );
  await inTx((tx) => configs.staging.letGo(tx, FLEET, ids.slice(0, 1)));
  const back = await inTx((tx) =>
    configs.staging.takeBack(tx, FLEET, { holder, from, author: 'system' }),
  );
  expect(back.layer.config).toEqual(LOUD);
  await inTx((tx) => configs.staging.free(tx, FLEET));
  for (const id of ids) {
    const { config } = await configs.effective(database.pool, id);
    expect(config).toMatchObject({ monitoring: { log_level: 'DEBUG' } });
    expect(config).not.toHaveProperty('own');
  }
  // Somebody who asks for it is told.
  await expect(
    inTx((tx) =>
      configs.staging.stage(tx, FLEET, {
        holder,
        content: { document: { monitoring: { log_level: 'LOUDER' } } },
        author: 'test',
      }),
    ),
  ).rejects.toMatchObject({ code: 'OPMAS_INVALID_CONFIGURATION' });
  // What hides it can be another value; without it the agent would have no valid one.
  const [id = ''] = ids;
  await replace(runtimeScope(id), { log_level: 'ERROR' });
  await expect(replace(runtimeScope(id), {})).rejects.toMatchObject({
    code: 'OPMAS_INVALID_CONFIGURATION',
    errors: [expect.objectContaining({ path: 'monitoring.log_level' })],
  });
  await replace(FLEET, {});
  await replace(runtimeScope(id), {});
});
