/** A whole server for one test file: real PostgreSQL, real nats-server, real HTTP, an empty agents folder. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiPrefix, serverPermissions } from '@opmas/bus';
import { openKeyring } from '@opmas/keyring';
import { type TestDatabase, type TestNats, tempDir, testNats, testPostgres } from '@opmas/testkit';
import { type App, startApp } from '../app.ts';
import { createTokens } from '../features/auth/index.ts';
import { createKeyChain, createVault } from '../features/secrets/index.ts';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { systemIds } from '../kernel/ids.ts';
import { type Logger, silentLogger } from '../kernel/logger.ts';
import type { Caller } from '../operation.ts';
import { openPostgres } from '../platform/database/postgres.ts';
import type { Database } from '../platform/ports.ts';
import { readSettings } from '../settings.ts';
import { migratedDatabase } from './database.ts';
import { holdToSchema } from './declared.ts';

export interface Answer {
  status: number;
  headers: Headers;
  /** The parsed body; undefined when there is none. */
  body: unknown;
}

export interface TestServer {
  app: App;
  url: string;
  dataDir: string;
  agentsDir: string;
  nats: TestNats;
  /** The server's creds file, read at every connect. */
  natsCreds: string;
  /** As the superuser would see it: for looking and for breaking. */
  database: Database;
  testDatabase: TestDatabase;
  /** The token of the data folder's owner. */
  ownerToken: string;
  /** An access token as sign-in would give it. */
  tokenFor(caller: Partial<Caller> & Pick<Caller, 'kind'>): Promise<string>;
  /** A JSON call; `token: null` sends none, absent means the owner's. */
  call(
    method: string,
    path: string,
    options?: {
      token?: string | null;
      body?: unknown;
      headers?: Record<string, string>;
      raw?: string | Uint8Array;
    },
  ): Promise<Answer>;
  /** Stops the server, keeps database and broker, and starts it again on the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestServerOptions {
  env?: Record<string, string>;
  logger?: Logger;
  /** Of the server; a test may move it. */
  clock?: Clock;
}

export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dir = tempDir('server');
  const dataDir = join(dir.path, 'data');
  const agentsDir = join(dir.path, 'agents');
  mkdirSync(agentsDir, { recursive: true });
  const postgres = await testPostgres();
  const testDatabase = await migratedDatabase(postgres);
  const nats = await testNats();
  const natsCreds = nats.credsFor('server', serverPermissions(apiPrefix(nats.trust))).file;
  const settings = readSettings(
    {
      OPMAS_DATABASE_URL: testDatabase.url,
      OPMAS_DATABASE_MIGRATE_URL: testDatabase.migrateUrl,
      OPMAS_NATS_URL: nats.url,
      OPMAS_NATS_CREDS: natsCreds,
      OPMAS_NATS_ACCOUNT_SEED: nats.trust.account.signing.seed,
      OPMAS_NATS_ACCOUNT: nats.trust.account.identity.public_key,
      OPMAS_NATS_OPERATOR_SEED: nats.trust.operator_signing.seed,
      OPMAS_NATS_SYS_CREDS: nats.sysCredsFile,
      OPMAS_DATA_DIR: dataDir,
      OPMAS_AGENTS_DIR: agentsDir,
      OPMAS_HTTP_PORT: '0',
      OPMAS_EMBEDDED: 'postgres,nats',
      OPMAS_EVENTS_MAX_BYTES: '50MB',
      ...options.env,
    },
    dir.path,
  );
  if (!settings.ok) throw new Error(settings.errors.join('\n'));
  const start = () =>
    startApp({
      settings: settings.settings,
      logger: options.logger ?? silentLogger,
      clock: options.clock ?? systemClock,
      ids: systemIds,
    });
  let app = await start();
  const database = openPostgres({ url: testDatabase.superUrl, logger: silentLogger });
  const keyring = openKeyring(settings.settings.masterKeyFile, { make: false });
  const tokens = createTokens(
    createKeyChain({
      database,
      vault: createVault(keyring),
      clock: options.clock ?? systemClock,
      ids: systemIds,
    }),
    systemClock,
  );
  const owner = () => readFileSync(join(dataDir, 'run', 'local.token'), 'utf8').trim();

  return {
    get app() {
      return app;
    },
    get url() {
      return app.url;
    },
    get ownerToken() {
      return owner();
    },
    dataDir,
    agentsDir,
    nats,
    natsCreds,
    database,
    testDatabase,
    tokenFor: (caller) =>
      tokens.issue(
        { id: systemIds.uuid(), name: 'someone', roles: [], ...caller },
        { seconds: 600 },
      ),
    call: async (method, path, given = {}) => {
      const token = given.token === undefined ? owner() : given.token;
      const body = given.raw ?? (given.body === undefined ? undefined : JSON.stringify(given.body));
      const response = await fetch(`${app.url}${path}`, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...given.headers,
        },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : Buffer.from(body) }),
      });
      const text = await response.text();
      const answered = bodyOf(text, response.headers.get('content-type'));
      if (response.ok) holdToSchema(method, path, answered);
      return { status: response.status, headers: response.headers, body: answered };
    },
    restart: async () => {
      await app.stop();
      app = await start();
    },
    stop: async () => {
      await app.stop();
      await database.close();
      await nats.stop();
      await testDatabase.drop();
      await postgres.stop();
      dir.remove();
    },
  };
}

/** JSON as a value, anything else (NDJSON, pages) as text. */
function bodyOf(text: string, type: string | null): unknown {
  if (text === '') return undefined;
  return /^application\/(problem\+)?json\b/.test(type ?? '') ? (JSON.parse(text) as unknown) : text;
}
