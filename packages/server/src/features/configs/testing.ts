/** Configurations on a real database, with agents that are only rows; for tests. */
import { join } from 'node:path';
import { openKeyring } from '@opmas/keyring';
import { tempDir, testPostgres } from '@opmas/testkit';
import { systemClock } from '../../kernel/clock.ts';
import { systemIds } from '../../kernel/ids.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { sql } from '../../kernel/sql.ts';
import { openPostgres } from '../../platform/database/postgres.ts';
import type { Database } from '../../platform/ports.ts';
import { migratedDatabase } from '../../testing/database.ts';
import { type AgentsService, createAgentsService } from '../agents/index.ts';
import type { AuditLog } from '../audit/index.ts';
import { createVault } from '../secrets/index.ts';
import { type ConfigsService, createConfigsService } from './configs.service.ts';
import { createGroupsService, type GroupsService } from './groups.service.ts';
import type { SchemaDocument } from './package-schema.ts';

export interface ConfigBench {
  database: Database;
  agents: AgentsService;
  configs: ConfigsService;
  groups: GroupsService;
  /** Registered agents `<type>-0` … without packages, and what they are told worked out. */
  addAgents(
    count: number,
    type: string,
    tags?: (at: number) => readonly string[],
    /** Of their own keys. */
    schema?: (at: number) => SchemaDocument | null,
  ): Promise<string[]>;
  stop(): Promise<void>;
}

export async function configBench(): Promise<ConfigBench> {
  const dir = tempDir('configs');
  const postgres = await testPostgres();
  const testDatabase = await migratedDatabase(postgres);
  const database = openPostgres({ url: testDatabase.url, logger: silentLogger });
  const keyring = openKeyring(join(dir.path, 'keys', 'master.key'), { make: true });
  const audit = { record: async () => undefined } as unknown as AuditLog;
  const agents = createAgentsService({
    audit,
    clock: systemClock,
    relabelled: (db, id) => configs.relabel(db, id),
  });
  const configs: ConfigsService = createConfigsService({
    // Rules are judged by their own feature.
    rulesCheck: { faultsOf: async () => [] },
    agents,
    vault: createVault(keyring),
    clock: systemClock,
    ids: systemIds,
    environment: 'testing',
    agentEnvironment: {},
    natsUrl: 'nats://broker:4222',
    agentsAreSeparate: true,
  });
  return {
    database,
    agents,
    configs,
    groups: createGroupsService({ configs, clock: systemClock }),
    addAgents: async (count, type, tags = () => [], schema = () => null) => {
      const ids = Array.from({ length: count }, (_, at) => `${type}-${at}`);
      const labels = ids.map((_, at) => JSON.stringify(tags(at)));
      const schemas = ids.map((_, at) => JSON.stringify(schema(at)));
      await sql`
        INSERT INTO agents (id, name, type, version, status, tags, config_schema, created_at, updated_at)
        SELECT id, replace(id, '-', '_'), ${type}, '1.0.0', 'registered',
               ARRAY(SELECT jsonb_array_elements_text(tags)), nullif(schema, 'null'), now(), now()
        FROM unnest(${ids}::text[], ${labels}::jsonb[], ${schemas}::jsonb[]) AS t (id, tags, schema)`.execute(
        database.pool,
      );
      await database.transaction((tx) => configs.refreshAll(tx));
      return ids;
    },
    stop: async () => {
      await database.close();
      await testDatabase.drop();
      await postgres.stop();
      dir.remove();
    },
  };
}
