/** Real databases for tests: one server a run, a fresh database in about 30 ms from a template. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { grantRights } from '@opmas/launcher';
import pg from 'pg';
import { RUN_SOCKET } from './global-setup.ts';
import { type Addresses, askForServer, startSharedServer } from './shared-postgres.ts';
import { tempDir } from './temp-dir.ts';

export interface TestDatabase {
  name: string;
  /** As the application role. */
  url: string;
  /** As the owner: migrations. */
  migrateUrl: string;
  /** As the superuser: to break things on purpose. */
  superUrl: string;
  /** Ends its connections and removes it. */
  drop(): Promise<void>;
}

export interface FreshOptions {
  /**
   * Brings a template into shape, once per `key` and run; every later fresh database is a copy.
   * Runs as the owner; `url` is the application's.
   */
  migrate?: (migrateUrl: string, url: string) => Promise<void>;
  /** Names the shape; databases of different shapes need different keys. */
  key?: string;
}

export interface TestPostgres {
  freshDatabase(options?: FreshOptions): Promise<TestDatabase>;
  /** Ends the server if this process owns it; the run's server ends with the run. */
  stop(): Promise<void>;
}

let own: Promise<Addresses & { stop(): Promise<void> }> | undefined;
let users = 0;

/** The run's PostgreSQL; outside a vitest run one of this process's own, ended with the last `stop`. */
export async function testPostgres(): Promise<TestPostgres> {
  const socket = process.env[RUN_SOCKET];
  if (socket !== undefined) return postgresAt(await askForServer(socket), async () => {});
  users += 1;
  own ??= startOwn();
  const server = await own;
  return postgresAt(server, async () => {
    users -= 1;
    if (users > 0) return;
    own = undefined;
    await server.stop();
  });
}

async function startOwn(): Promise<Addresses & { stop(): Promise<void> }> {
  const dir = tempDir('pg');
  const server = await startSharedServer(join(dir.path, 'd'));
  const stop = async () => {
    await server.stop();
    dir.remove();
  };
  return { superUrl: server.superUrl, migrateUrl: server.migrateUrl, url: server.url, stop };
}

function postgresAt(server: Addresses, release: () => Promise<void>): TestPostgres {
  let released = false;
  return {
    freshDatabase: (options = {}) => freshDatabase(server, options),
    async stop() {
      if (released) return;
      released = true;
      await release();
    },
  };
}

async function freshDatabase(server: Addresses, options: FreshOptions): Promise<TestDatabase> {
  const template = await ensureTemplate(server, options);
  const name = `t_${randomBytes(8).toString('hex')}`;
  await asSuper(server, 'postgres', (client) => copyTemplate(client, name, template));
  return {
    name,
    url: inDatabase(server.url, name),
    migrateUrl: inDatabase(server.migrateUrl, name),
    superUrl: inDatabase(server.superUrl, name),
    drop: () =>
      asSuper(server, 'postgres', async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      }),
  };
}

/** Made under a lock that all test processes share; renamed into place when it is whole. */
async function ensureTemplate(server: Addresses, { migrate, key }: FreshOptions): Promise<string> {
  if (migrate !== undefined && key === undefined)
    throw new Error('a migrated template needs a key');
  const name = `template_${(key ?? 'empty').toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')}`;
  await asSuper(server, 'postgres', async (client) => {
    await client.query('SELECT pg_advisory_lock(hashtext($1))', [name]);
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount === 1) return;
    const draft = `${name}_draft`;
    await client.query(`DROP DATABASE IF EXISTS ${draft} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${draft} OWNER opmas_owner STRATEGY file_copy`);
    await asSuper(server, draft, grantRights);
    await migrate?.(inDatabase(server.migrateUrl, draft), inDatabase(server.url, draft));
    await client.query(`ALTER DATABASE ${draft} RENAME TO ${name}`);
  });
  return name;
}

/** Rights on the database itself are not copied from a template, so they are given again. */
async function copyTemplate(client: pg.Client, name: string, template: string): Promise<void> {
  await client.query('SELECT pg_advisory_lock(hashtext($1))', [template]);
  await client.query(
    `CREATE DATABASE ${name} TEMPLATE ${template} OWNER opmas_owner STRATEGY file_copy`,
  );
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
  await client.query(`GRANT CONNECT, TEMPORARY ON DATABASE ${name} TO opmas_app`);
}

async function asSuper<T>(
  server: Addresses,
  database: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: inDatabase(server.superUrl, database) });
  client.on('error', () => {}); // the statement under way is rejected with it
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function inDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.toString();
}
