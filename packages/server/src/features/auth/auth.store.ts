/** All SQL of users, sessions, refresh tokens and set-up codes. */
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';

export interface User {
  id: string;
  username: string;
  password_hash: string;
  roles: string[];
}

export async function countUsers(db: Executor): Promise<number> {
  const row = await db
    .selectFrom('users')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

export async function userByName(db: Executor, username: string): Promise<User | undefined> {
  return db
    .selectFrom('users')
    .select(['id', 'username', 'password_hash', 'roles'])
    .where(sql`lower(username)`, '=', username.toLowerCase())
    .executeTakeFirst();
}

export async function userById(db: Executor, id: string): Promise<User | undefined> {
  return db
    .selectFrom('users')
    .select(['id', 'username', 'password_hash', 'roles'])
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function insertUser(db: Executor, user: User, at: Date): Promise<void> {
  await db
    .insertInto('users')
    .values({ ...user, created_at: at, updated_at: at })
    .execute();
}

export async function insertSession(
  db: Executor,
  session: { id: string; user_id: string; created_at: Date; expires_at: Date },
): Promise<void> {
  await db
    .insertInto('sessions')
    .values({ ...session, revoked_at: null })
    .execute();
}

export async function insertRefreshToken(
  db: Executor,
  token: { token_hash: string; session_id: string; expires_at: Date },
): Promise<void> {
  await db
    .insertInto('refresh_tokens')
    .values({ ...token, used_at: null })
    .execute();
}

/** The token and its session, locked: two uses at once are told apart. */
export async function lockRefreshToken(db: Executor, tokenHash: string) {
  return db
    .selectFrom('refresh_tokens as t')
    .innerJoin('sessions as s', 's.id', 't.session_id')
    .select([
      't.used_at',
      't.expires_at',
      's.id as session_id',
      's.user_id',
      's.revoked_at',
      's.expires_at as session_expires_at',
    ])
    .where('t.token_hash', '=', tokenHash)
    .forUpdate()
    .executeTakeFirst();
}

export async function markRefreshTokenUsed(
  db: Executor,
  tokenHash: string,
  at: Date,
): Promise<void> {
  await db
    .updateTable('refresh_tokens')
    .set({ used_at: at })
    .where('token_hash', '=', tokenHash)
    .execute();
}

export async function revokeSession(db: Executor, sessionId: string, at: Date): Promise<void> {
  await db
    .updateTable('sessions')
    .set({ revoked_at: at })
    .where('id', '=', sessionId)
    .where('revoked_at', 'is', null)
    .execute();
}

export async function sessionsRevokedSince(db: Executor, since: Date): Promise<string[]> {
  const rows = await db
    .selectFrom('sessions')
    .select('id')
    .where('revoked_at', '>=', since)
    .execute();
  return rows.map((row) => row.id);
}

export async function deleteExpiredSessions(db: Executor, before: Date): Promise<void> {
  await db.deleteFrom('sessions').where('expires_at', '<', before).execute();
}

/** One set-up code at a time: a new start makes the old link worthless. */
export async function replaceSetupCode(db: Executor, codeHash: string, at: Date): Promise<void> {
  await db.deleteFrom('setup_codes').execute();
  await db.insertInto('setup_codes').values({ code_hash: codeHash, created_at: at }).execute();
}

/** Uses the code up; false when it is not the one. */
export async function takeSetupCode(db: Executor, codeHash: string): Promise<boolean> {
  const taken = await db
    .deleteFrom('setup_codes')
    .where('code_hash', '=', codeHash)
    .returning('code_hash')
    .executeTakeFirst();
  return taken !== undefined;
}
