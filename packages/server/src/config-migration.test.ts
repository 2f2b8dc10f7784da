/** Configurations of before there were layers: an installation that is brought up to date keeps them all. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tempDir, testPostgres } from '@opmas/testkit';
import { expect, test } from 'vitest';
import { headOf, listVersions } from './features/configs/configs.store.ts';
import { agentScope } from './features/configs/index.ts';
import { silentLogger } from './kernel/logger.ts';
import { sql } from './kernel/sql.ts';
import { migrate } from './platform/database/migrate.ts';
import { openPostgres } from './platform/database/postgres.ts';

const MIGRATIONS = fileURLToPath(new URL('../migrations', import.meta.url));

test('versions, the layer in force and sealed secrets are kept', async () => {
  const dir = tempDir('migration');
  const earlier = join(dir.path, 'earlier');
  mkdirSync(earlier);
  for (const name of readdirSync(MIGRATIONS)) {
    if (name < '0009') copyFileSync(join(MIGRATIONS, name), join(earlier, name));
  }
  const postgres = await testPostgres();
  const fresh = await postgres.freshDatabase();
  const bring = (directory: string) =>
    migrate({
      url: fresh.migrateUrl,
      applicationUrl: fresh.url,
      directory,
      logger: silentLogger,
    });
  const database = openPostgres({ url: fresh.superUrl, logger: silentLogger });
  try {
    await bring(earlier);
    await sql`INSERT INTO agents (id, name, type, version, status, config_version, created_at, updated_at)
      VALUES ('a-1', 'a', 'a', '1', 'registered', 2, now(), now()),
             ('b-1', 'b', 'b', '1', 'registered', 0, now(), now())`.execute(database.pool);
    for (const [version, document] of [
      [1, { own: 1 }],
      [2, { own: { password: { $secret: { id: 's' } } } }],
    ] as const) {
      await sql`INSERT INTO agent_config_versions (agent_id, version, document, author, created_at)
        VALUES ('a-1', ${version}, ${JSON.stringify(document)}, 'ada', now())`.execute(
        database.pool,
      );
    }
    await sql`INSERT INTO agent_configs VALUES ('a-1', 'own', '{}', now())`.execute(database.pool);
    await sql`INSERT INTO config_secrets VALUES ('a-1', 's', '/own/password', 'sealed', now())`.execute(
      database.pool,
    );

    await bring(MIGRATIONS);
    const versions = await listVersions(database.pool, agentScope('a-1'), 10);
    expect(versions).toMatchObject([
      { version: 2, author: 'ada', document: { own: { password: { $secret: { id: 's' } } } } },
      { version: 1, document: { own: 1 }, expires_at: null },
    ]);
    expect(new Set(versions.map(({ hash }) => hash)).size).toBe(2);
    expect(await headOf(database.pool, agentScope('a-1'))).toMatchObject({ version: 2 });
    expect(await headOf(database.pool, agentScope('b-1'))).toBeUndefined();
    const secrets = await database.pool.selectFrom('config_secrets').selectAll().execute();
    expect(secrets).toMatchObject([{ owner: 'a-1', secret_id: 's', path: '/own/password' }]);
    const { rows } = await sql`SELECT agent_id, key FROM agent_configs`.execute(database.pool);
    expect(rows).toEqual([{ agent_id: 'a-1', key: 'own' }]);
  } finally {
    await database.close();
    await fresh.drop();
    await postgres.stop();
    dir.remove();
  }
});
