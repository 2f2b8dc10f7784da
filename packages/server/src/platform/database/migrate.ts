/** Runs the numbered SQL files that have not run yet, in order, one process at a time. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { OpmasError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';

export interface MigrateOptions {
  /** Connects as the role that owns the tables. */
  url: string;
  /** The application's connection: its role is granted what it needs. */
  applicationUrl: string;
  directory: string;
  logger: Logger;
}

const LOCK = 7_400;
const FILE = /^(\d{4})_[a-z0-9_]+\.sql$/;

/**
 * Brings the database up to date. Each file is one transaction; a file that changed after it ran is
 * refused, because two installations would then differ silently.
 * @returns the names of the files that ran now
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 'opmas-migrate',
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => {}); // a lost connection rejects the statement under way too
  await client.connect();
  try {
    await refuseOldServer(client);
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    const ran = await runFiles(client, options);
    await grantApplication(client, options.applicationUrl);
    return ran;
  } finally {
    await client.end();
  }
}

async function refuseOldServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ v: string }>(
    "SELECT current_setting('server_version_num') v",
  );
  const version = Number(rows[0]?.v ?? 0);
  if (version < 140_000) {
    throw new OpmasError(
      'OPMAS_DATABASE_UNAVAILABLE',
      `PostgreSQL 14 or newer is needed, this is ${Math.floor(version / 10_000)}`,
    );
  }
}

async function runFiles(client: pg.Client, options: MigrateOptions): Promise<string[]> {
  await client.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
  const schema = await currentSchema(client);
  const done = new Map<string, string>();
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'SELECT name, checksum FROM schema_migrations',
  );
  for (const row of rows) done.set(row.name, row.checksum);
  const ran: string[] = [];
  for (const name of (await readdir(options.directory)).filter((f) => FILE.test(f)).sort()) {
    const text = await readFile(join(options.directory, name), 'utf8');
    const checksum = createHash('sha256').update(text).digest('hex');
    const before = done.get(name);
    if (before === checksum) continue;
    if (before !== undefined) {
      throw new OpmasError(
        'OPMAS_SYSTEM_ERROR',
        `Migration ${name} changed after it ran; restore the released file`,
      );
    }
    await client.query('BEGIN');
    try {
      await client.query(text.replaceAll('@schema@', client.escapeIdentifier(schema)));
      await client.query('INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)', [
        name,
        checksum,
      ]);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    }
    options.logger.info({ migration: name }, 'migrated');
    ran.push(name);
  }
  return ran;
}

async function currentSchema(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ schema: string | null }>(
    'SELECT current_schema() AS schema',
  );
  return rows[0]?.schema ?? 'public';
}

/** The application reads and writes rows, owns nothing, and can only add to the audit log. */
async function grantApplication(client: pg.Client, applicationUrl: string): Promise<void> {
  const application = new pg.Client({ connectionString: applicationUrl }).user;
  const { rows } = await client.query<{ me: string }>('SELECT current_user AS me');
  if (application === undefined || application === rows[0]?.me) return;
  const role = client.escapeIdentifier(application);
  const schema = client.escapeIdentifier(await currentSchema(client));
  await client.query(`GRANT USAGE ON SCHEMA ${schema} TO ${role};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${role};
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${schema} TO ${role};
    GRANT EXECUTE ON FUNCTION ensure_partitions(integer) TO ${role};
    GRANT EXECUTE ON FUNCTION erase_audit_parts(text[], text[], uuid, integer) TO ${role};
    REVOKE UPDATE, DELETE, TRUNCATE ON audit_log, audit_personal, audit_erased, audit_chain,
      audit_checkpoints FROM ${role};
    REVOKE INSERT ON audit_erased FROM ${role};
    REVOKE UPDATE, TRUNCATE ON audit_unsealed FROM ${role};
    REVOKE INSERT, UPDATE, DELETE ON schema_migrations FROM ${role};`);
}
