/** Databases in the server's shape: migrated once in a run, then copied, at a fifth of the cost. */
import { fileURLToPath } from 'node:url';
import type { TestDatabase, TestPostgres } from '@opmas/testkit';
import { silentLogger } from '../kernel/logger.ts';
import { migrate } from '../platform/database/migrate.ts';

export const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));

/** What a first start makes of an empty database: every table, and the application's rights in them. */
export function migratedDatabase(postgres: TestPostgres): Promise<TestDatabase> {
  return postgres.freshDatabase({
    key: 'server',
    migrate: async (url, applicationUrl) => {
      await migrate({ url, applicationUrl, directory: MIGRATIONS, logger: silentLogger });
    },
  });
}
