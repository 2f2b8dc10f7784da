/** The embedded database: made once, closed to others, back after every kill, never doubled. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ChildEvent } from '../process/child.ts';
import { identityOf } from '../process/identity.ts';
import { processesIn } from '../process/leftovers.ts';
import { postgresUser } from '../process/wrapper.ts';
import { startHelper } from '../testing/spawn.ts';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  embeddedPostgres,
} from './embedded-postgres.ts';
import { postgresPlace, userFor } from './place.ts';
import { DATABASE, socketUrl } from './roles.ts';

/** One for all that need no folder of their own: only the first start makes a cluster in it. */
let dir: TempDir;
let running: EmbeddedPostgres[] = [];
beforeAll(() => {
  dir = tempDir('pg');
});
afterEach(async () => {
  for (const one of running) await one.stop();
  running = [];
});
afterAll(() => dir.remove());

const ownFolder = () => mkdtempSync(join(dir.path, 'own-'));

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const started = await embeddedPostgres({ dataDir: dir.path, durable: false, ...options });
  running.push(started);
  return started;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // the query under way is rejected too
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

test('the application is no superuser and owns nothing; no other door is open', async () => {
  const postgres = await start();
  const [role] = await query(
    postgres.url,
    'SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user',
  );
  expect(role).toEqual({ rolsuper: false, rolcreatedb: false, rolcreaterole: false });
  await expect(query(postgres.url, 'CREATE TABLE t (a int)')).rejects.toThrow(/permission denied/);
  await query(postgres.migrateUrl, 'DROP TABLE IF EXISTS t; CREATE TABLE t (a int)');
  await query(postgres.url, 'INSERT INTO t VALUES (1)');
  const [tcp] = await query(postgres.url, `SELECT current_setting('listen_addresses') AS on`);
  expect(tcp).toEqual({ on: '' });
  const { socketDir, socketPort: port } = postgres.place;
  const wrong = socketUrl('opmas_app', 'wrong', DATABASE, { socketDir, port });
  await expect(query(wrong, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
  for (const file of ['keys/postgres.json', 'logs/postgres.log']) {
    expect(statSync(join(dir.path, file)).mode & 0o077).toBe(0);
  }
});

test('the second start finds everything as it was', async () => {
  const first = await start();
  await query(first.migrateUrl, 'DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS a');
  await first.stop();
  const second = await start();
  expect(second.url).toBe(first.url);
  expect(await query(second.url, 'SELECT a FROM kept')).toEqual([{ a: 7 }]);
});

test('after kill -9 it is back by itself with what was committed', async () => {
  const events: ChildEvent[] = [];
  const postgres = await start({ durable: true, onEvent: (event) => events.push(event) });
  await query(
    postgres.migrateUrl,
    'DROP TABLE IF EXISTS committed; CREATE TABLE committed AS SELECT 8 AS a',
  );
  const before = postgres.pid() ?? 0;
  process.kill(before, 'SIGKILL');
  await waitFor(() => events.filter(({ kind }) => kind === 'started').length === 2, {
    timeoutMs: 25_000,
  });
  expect(postgres.pid()).not.toBe(before);
  expect(await query(postgres.url, 'SELECT a FROM committed')).toEqual([{ a: 8 }]);
});

test('stop leaves no process, also right after the postmaster was killed', async () => {
  const postgres = await start();
  const cluster = postgres.place.cluster;
  expect(processesIn(cluster).length).toBeGreaterThan(1);
  process.kill(postgres.pid() ?? 0, 'SIGKILL');
  await postgres.stop();
  expect(processesIn(cluster)).toEqual([]);
});

test('what a killed run left is ended first, and the data is there', async () => {
  const helper = await startHelper('run-postgres.ts', [dir.path]);
  const left = Number(helper.firstLine);
  process.kill(left, 'SIGSTOP'); // so that it cannot follow its parent at once
  await helper.kill('SIGKILL');
  expect(identityOf(left)).toBeDefined();
  process.kill(left, 'SIGCONT');
  const postgres = await start();
  expect(identityOf(left)).toBeUndefined();
  expect(await query(postgres.url, 'SELECT 1 AS a')).toEqual([{ a: 1 }]);
});

test('a pid file that names an unrelated process does not stop the start', async () => {
  const first = await start();
  const { cluster } = first.place;
  await first.stop();
  writeFileSync(join(cluster, 'postmaster.pid'), `${process.ppid}\n${cluster}\n1\n5432\n\n\n\n`);
  const second = await start();
  expect(await query(second.url, 'SELECT 1 AS a')).toEqual([{ a: 1 }]);
});

test('an initdb that was killed half way is thrown away', async () => {
  const dataDir = ownFolder();
  const place = postgresPlace(dataDir, postgresUser());
  mkdirSync(`${place.cluster}.new`, { recursive: true });
  writeFileSync(join(`${place.cluster}.new`, 'rubbish'), 'x');
  await start({ dataDir });
  expect(existsSync(`${place.cluster}.new`)).toBe(false);
});

test.each([
  ['spaces, quotes and commas', `a b'c,"d`],
  ['more than a socket path may hold', 'x'.repeat(120)],
])('the data folder may have %s in its path', async (_, name) => {
  const postgres = await start({ dataDir: join(ownFolder(), name) });
  expect(await query(postgres.url, 'SELECT 1 AS a')).toEqual([{ a: 1 }]);
  expect(statSync(postgres.place.socketDir).mode & 0o077).toBe(0);
});

test('a database of another PostgreSQL is refused, not replaced', async () => {
  const dataDir = ownFolder();
  mkdirSync(join(dataDir, 'postgres', '17'), { recursive: true });
  await expect(start({ dataDir })).rejects.toMatchObject({ code: 'data_dir_unusable' });
});

const asRoot = process.getuid?.() === 0;

test.runIf(asRoot)(
  'root without user namespaces runs it as nobody, out of a closed folder',
  async () => {
    const folder = ownFolder();
    chmodSync(folder, 0o700);
    const outside = tempDir('outside');
    const postgres = await start({
      dataDir: join(folder, 'data'),
      user: 'setuid',
      outside: outside.path,
    });
    const status = readFileSync(`/proc/${postgres.pid()}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\t65534\t65534/m);
    await query(postgres.migrateUrl, 'CREATE TABLE t (a int)');
    expect(userFor(join(folder, 'data'), 'namespace')).toBe('setuid');
    await postgres.stop();
    outside.remove();
  },
);

test.runIf(asRoot)(
  'a database begun in a user namespace is not begun again without one',
  async () => {
    const dataDir = ownFolder();
    mkdirSync(join(dataDir, 'postgres', '18'), { recursive: true });
    expect(() => userFor(dataDir, 'setuid')).toThrow(/user namespaces/);
    expect(userFor(dataDir, 'namespace')).toBe('namespace');
  },
);
