/** What ends by itself, beside much that cannot be ended. */
import { expect, test } from 'vitest';
import { silentLogger } from '../../kernel/logger.ts';
import { sql } from '../../kernel/sql.ts';
import { configLimits } from './limits.ts';
import { runtimeScope } from './scopes.ts';
import { configBench } from './testing.ts';
import { createConfigUpkeep } from './upkeep.ts';

test('a runtime layer ends in its time, however many others cannot', async () => {
  const bench = await configBench();
  const { database, configs } = bench;
  try {
    const stuck = await bench.addAgents(configLimits.expiries, 'stuck');
    const [well = ''] = await bench.addAgents(1, 'well');
    await sql`
      INSERT INTO config_layers (scope, scope_id, version, document, hash, author, created_at, expires_at)
      SELECT 'runtime', id, 1, '{"monitoring": {"log_level": "DEBUG"}}', 'debug', 'test', now(),
             now() - CASE WHEN id = ${well} THEN interval '1 minute' ELSE interval '1 hour' END
      FROM agents`.execute(database.pool);
    await sql`INSERT INTO config_heads (scope, scope_id, version) SELECT 'runtime', id, 1 FROM agents`.execute(
      database.pool,
    );
    // Without a valid configuration nothing can be worked out for them.
    await sql`UPDATE agents SET default_config = '{"processing": {"timeout": "long"}}' WHERE id = ANY(${stuck}::text[])`.execute(
      database.pool,
    );
    const upkeep = createConfigUpkeep({
      database,
      configs,
      audit: { record: async () => undefined },
      pushConfig: () => undefined,
      logger: silentLogger,
    });
    await upkeep.expire();
    await upkeep.expire();
    expect((await configs.layer(database.pool, runtimeScope(well))).config).toEqual({});
    // Those are tried again, and end when they can.
    await sql`UPDATE agents SET default_config = '{}'`.execute(database.pool);
    await upkeep.expire();
    expect(await configs.expiredRuntime(database.pool)).toEqual([]);
  } finally {
    await bench.stop();
  }
}, 60_000);
