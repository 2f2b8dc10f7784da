/** Discovery on a real database and a real folder, with a registration that writes agents down; for tests. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AgentPackage } from '@opmas/protocol';
import { type TestDatabase, tempDir, testPostgres } from '@opmas/testkit';
import { systemClock } from '../../kernel/clock.ts';
import { type Logger, silentLogger } from '../../kernel/logger.ts';
import { openPostgres } from '../../platform/database/postgres.ts';
import type { Database } from '../../platform/ports.ts';
import { migratedDatabase } from '../../testing/database.ts';
import type { AuditEntry } from '../audit/index.ts';
import {
  createDiscoveryService,
  type DiscoveryOptions,
  type DiscoveryService,
} from './discovery.service.ts';
import type { DiscoveryEvents, ReadyPackage } from './discovery.ts';

export interface Bench {
  agentsDir: string;
  storeDir: string;
  discovery: DiscoveryService;
  database: Database;
  testDatabase: TestDatabase;
  /** What registration heard, in order: `ready <folder> <version>`, `gone <agent name>`. */
  heard: string[];
  ready: ReadyPackage[];
  /** What OPMAS decided by itself and wrote into the audit log. */
  audited: AuditEntry[];
  /** Thrown by the next calls of registration, one each. */
  failures: Error[];
  /** State and message of every judging, in order. */
  judged: { folder: string; state: string }[];
  /** Starts discovery; a second time on what the first left. */
  start(options?: Partial<DiscoveryOptions>): Promise<void>;
  /** Writes files below the agents directory. */
  write(files: Record<string, string | Uint8Array>): void;
  package(folder: string): Promise<AgentPackage | undefined>;
  stop(): Promise<void>;
}

/** The files of a package that is valid. */
export function packageFiles(
  folder: string,
  { name = 'SecurityAgent', version = '1.0.0', code = 'export default {};\n' } = {},
): Record<string, string> {
  return {
    [`${folder}/.env.discovery`]: `AGENT_NAME=${name}
AGENT_VERSION=${version}
AGENT_DESCRIPTION=Security monitoring agent
DEFAULT_SUBSCRIBED_TOPICS=logs.security,logs.auth
DEFAULT_FINDINGS_TOPIC=findings.security
`,
    [`${folder}/agent.ts`]: code,
  };
}

/** What several benches use one after the other. */
export interface BenchDatabase {
  database: Database;
  testDatabase: TestDatabase;
  stop(): Promise<void>;
}

export async function benchDatabase(): Promise<BenchDatabase> {
  const postgres = await testPostgres();
  const testDatabase = await migratedDatabase(postgres);
  const database = openPostgres({ url: testDatabase.url, logger: silentLogger });
  return {
    database,
    testDatabase,
    stop: async () => {
      await database.close();
      await testDatabase.drop();
      await postgres.stop();
    },
  };
}

/** On a database of its own, or on one that is given: that one is left empty. */
export async function discoveryBench(given?: BenchDatabase): Promise<Bench> {
  const dir = tempDir('disc');
  const agentsDir = join(dir.path, 'agents');
  const storeDir = join(dir.path, 'data', 'packages');
  const used = given ?? (await benchDatabase());
  const { database, testDatabase } = used;
  const heard: string[] = [];
  const ready: ReadyPackage[] = [];
  const failures: Error[] = [];
  const audited: AuditEntry[] = [];
  const judged: { folder: string; state: string }[] = [];
  const logger: Logger = {
    ...silentLogger,
    info: (fields, message) => {
      if (message === 'package judged' && 'folder' in fields && 'state' in fields) {
        judged.push({ folder: String(fields.folder), state: String(fields.state) });
      }
    },
    child: () => logger,
  };
  const events = registration(database, { heard, ready, failures });
  let discovery: DiscoveryService | undefined;

  const bench: Bench = {
    agentsDir,
    storeDir,
    get discovery() {
      if (discovery === undefined) throw new Error('start it first');
      return discovery;
    },
    database,
    testDatabase,
    heard,
    ready,
    failures,
    audited,
    judged,
    start: async (options = {}) => {
      await discovery?.stop();
      discovery = createDiscoveryService({
        database,
        directory: agentsDir,
        storeDirectory: storeDir,
        approval: 'auto',
        signatures: 'optional',
        audit: { record: async (_, entry) => void audited.push(entry) },
        sdkVersion: '1.0.0',
        clock: systemClock,
        logger,
        events,
        settleMs: 60,
        pollMs: 100,
        ...options,
      });
      await discovery.start();
    },
    write: (files) => {
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(agentsDir, path)), { recursive: true });
        writeFileSync(join(agentsDir, path), content);
      }
    },
    package: async (folder) => {
      const { items } = await bench.discovery.list(database.pool, { limit: 500 });
      return items.find((item) => item.path === join(agentsDir, folder));
    },
    stop: async () => {
      await discovery?.stop();
      for (const table of ['packages', 'publishers', 'agents'] as const) {
        await database.pool.deleteFrom(table).execute();
      }
      if (used !== given) await used.stop();
      dir.remove();
    },
  };
  return bench;
}

/** An agent row a name, as registration keeps it. */
function registration(
  database: Database,
  { heard, ready, failures }: Pick<Bench, 'heard' | 'ready' | 'failures'>,
): DiscoveryEvents {
  return {
    packageReady: async (pkg) => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      const { name, type, version } = pkg.manifest;
      heard.push(`ready ${pkg.folder} ${version}`);
      ready.push(pkg);
      const living = await database.pool
        .selectFrom('agents')
        .select('id')
        .where('name', '=', name)
        .where('status', '<>', 'removed')
        .executeTakeFirst();
      if (living !== undefined) return { agent_id: living.id };
      const id = `${type}-${randomUUID()}`;
      const at = new Date();
      await database.pool
        .insertInto('agents')
        .values({ id, name, type, version, status: 'registered', created_at: at, updated_at: at })
        .execute();
      return { agent_id: id };
    },
    packageGone: async (agentId) => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      const agent = await database.pool
        .updateTable('agents')
        .set({ status: 'removed' })
        .where('id', '=', agentId)
        .returning('name')
        .executeTakeFirstOrThrow();
      heard.push(`gone ${agent.name}`);
    },
  };
}
