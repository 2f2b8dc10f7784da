/** Roles and database of the embedded PostgreSQL: one role owns and migrates, another works and owns nothing. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Static, Type } from '@opmas/protocol';
import pg from 'pg';
import { readJson, writeJson } from '../data/files.ts';

export const SUPERUSER = 'opmas_super';
export const OWNER = 'opmas_owner';
export const APP = 'opmas_app';
export const DATABASE = 'opmas';

const Password = Type.String({ pattern: '^[A-Za-z0-9_-]{32,128}$' });
const Passwords = Type.Object({ superuser: Password, owner: Password, app: Password });
export type Passwords = Static<typeof Passwords>;

/** The passwords of this data folder, made on the first call and kept mode 0600. */
export function passwordsOf(dataDir: string): Passwords {
  const path = join(dataDir, 'keys', 'postgres.json');
  const known = readJson(path, Passwords);
  if (known !== undefined) return known;
  const made = { superuser: secret(), owner: secret(), app: secret() };
  writeJson(path, made);
  return made;
}

export interface SocketAddress {
  socketDir: string;
  port: number;
}

/** `postgres://user:password@localhost/database?host=<socket folder>&port=<n>` */
export function socketUrl(
  user: string,
  password: string,
  database: string,
  { socketDir, port }: SocketAddress,
): string {
  const host = encodeURIComponent(socketDir);
  return `postgres://${user}:${password}@localhost/${database}?host=${host}&port=${port}`;
}

/** Makes roles, database and rights what they must be; changes nothing when they are. */
export async function ensureRoles(passwords: Passwords, address: SocketAddress): Promise<void> {
  await withClient(
    socketUrl(SUPERUSER, passwords.superuser, 'postgres', address),
    async (client) => {
      const roles = await names(client, 'SELECT rolname AS name FROM pg_roles');
      const databases = await names(client, 'SELECT datname AS name FROM pg_database');
      if (roles.has(OWNER) && roles.has(APP) && databases.has(DATABASE)) return;
      for (const [role, password] of [
        [OWNER, passwords.owner],
        [APP, passwords.app],
      ] as const) {
        const verb = roles.has(role) ? 'ALTER' : 'CREATE';
        await client.query(
          `${verb} ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${password}'`,
        );
      }
      if (databases.has(DATABASE)) return;
      // The rights come first, in a database nobody knows yet: a kill in between leaves nothing half made.
      const draft = `${DATABASE}_new`;
      await client.query(`DROP DATABASE IF EXISTS ${draft}`);
      await client.query(`CREATE DATABASE ${draft} OWNER ${OWNER}`);
      await withClient(socketUrl(SUPERUSER, passwords.superuser, draft, address), grantRights);
      await client.query(`ALTER DATABASE ${draft} RENAME TO ${DATABASE}`);
    },
  );
}

/** What the application may do in a database: use whatever the owner makes, and make nothing itself. */
export async function grantRights(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  const database = client.escapeIdentifier(rows[0]?.name ?? DATABASE);
  const defaults = `ALTER DEFAULT PRIVILEGES FOR ROLE ${OWNER} IN SCHEMA public GRANT`;
  for (const statement of [
    `REVOKE ALL ON DATABASE ${database} FROM PUBLIC`,
    `GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO ${APP}`,
    `ALTER SCHEMA public OWNER TO ${OWNER}`,
    'REVOKE ALL ON SCHEMA public FROM PUBLIC',
    `GRANT USAGE ON SCHEMA public TO ${APP}`,
    `${defaults} SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${APP}`,
    `${defaults} USAGE, SELECT ON SEQUENCES TO ${APP}`,
    `${defaults} EXECUTE ON FUNCTIONS TO ${APP}`,
  ]) {
    await client.query(statement);
  }
}

/** Runs `work` on one connection and closes it. */
export async function withClient<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {}); // a lost connection also rejects the statement under way
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {}); // the server may have gone first
  }
}

async function names(client: pg.Client, query: string): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(query);
  return new Set(rows.map((row) => row.name));
}

function secret(): string {
  return randomBytes(24).toString('base64url');
}
