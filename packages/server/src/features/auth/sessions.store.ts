/** All SQL of sessions and their refresh tokens. */
import type { Selectable } from 'kysely';
import { sql } from '../../kernel/sql.ts';
import type { Executor, Tables } from '../../platform/ports.ts';
import type { User } from './user.ts';

export type Session = Selectable<Tables['sessions']>;

export async function insertSession(
  db: Executor,
  session: Omit<Session, 'revoked_at' | 'last_used_at'>,
): Promise<void> {
  await db
    .insertInto('sessions')
    .values({ ...session, last_used_at: session.created_at, revoked_at: null })
    .execute();
}

/** Living sessions of a user, the last used first. */
export async function livingSessions(
  db: Executor,
  userId: string,
  { idleSince, now }: { idleSince: Date; now: Date },
): Promise<Session[]> {
  return db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
    .where('last_used_at', '>', idleSince)
    .orderBy('last_used_at', 'desc')
    .orderBy('id', 'desc')
    .execute();
}

export async function noteUse(
  db: Executor,
  id: string,
  use: { last_used_at: Date; remote: string; user_agent: string | null },
): Promise<void> {
  await db.updateTable('sessions').set(use).where('id', '=', id).execute();
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

/**
 * Whose token it is; in a transaction the user stays as they are until it ends. Before any lock on their
 * sessions: whoever changes a user locks the user first too.
 */
export async function sharedOwner(db: Executor, tokenHash: string): Promise<User | undefined> {
  return db
    .selectFrom('users')
    .selectAll()
    .where('id', '=', (eb) =>
      eb
        .selectFrom('refresh_tokens as t')
        .innerJoin('sessions as s', 's.id', 't.session_id')
        .select('s.user_id')
        .where('t.token_hash', '=', tokenHash),
    )
    .forShare()
    .executeTakeFirst();
}

/** The token and its session, locked: two uses at once are told apart. */
export async function lockRefreshToken(db: Executor, tokenHash: string) {
  return db
    .selectFrom('refresh_tokens as t')
    .innerJoin('sessions as s', 's.id', 't.session_id')
    .select([
      't.used_at',
      't.used_by',
      't.successor_salt',
      't.successor_hash',
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

export type RefreshToken = NonNullable<Awaited<ReturnType<typeof lockRefreshToken>>>;

export async function isKnownToken(db: Executor, tokenHash: string): Promise<boolean> {
  const row = await db
    .selectFrom('refresh_tokens')
    .select('session_id')
    .where('token_hash', '=', tokenHash)
    .executeTakeFirst();
  return row !== undefined;
}

/** Is it known and not exchanged yet? */
export async function isUnusedToken(db: Executor, tokenHash: string): Promise<boolean> {
  const row = await db
    .selectFrom('refresh_tokens')
    .select('used_at')
    .where('token_hash', '=', tokenHash)
    .executeTakeFirst();
  return row !== undefined && row.used_at === null;
}

export async function markExchanged(
  db: Executor,
  tokenHash: string,
  exchange: { used_at: Date; used_by: string; successor_salt: string; successor_hash: string },
): Promise<void> {
  await db
    .updateTable('refresh_tokens')
    .set(exchange)
    .where('token_hash', '=', tokenHash)
    .execute();
}

/** False when it had ended before, or is not `ofUser`'s. */
export async function revokeSession(
  db: Executor,
  sessionId: string,
  { at, ofUser }: { at: Date; ofUser?: string },
): Promise<boolean> {
  let query = db
    .updateTable('sessions')
    .set({ revoked_at: at })
    .where('id', '=', sessionId)
    .where('revoked_at', 'is', null);
  if (ofUser !== undefined) query = query.where('user_id', '=', ofUser);
  return (await query.returning('id').executeTakeFirst()) !== undefined;
}

/** Ids of those that ended now. */
export async function revokeSessionsOf(
  db: Executor,
  userId: string,
  { at, except }: { at: Date; except?: string | undefined },
): Promise<string[]> {
  let query = db
    .updateTable('sessions')
    .set({ revoked_at: at })
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null);
  if (except !== undefined) query = query.where('id', '<>', except);
  const rows = await query.returning('id').execute();
  return rows.map((row) => row.id);
}

export async function sessionsRevokedSince(db: Executor, since: Date): Promise<string[]> {
  const rows = await db
    .selectFrom('sessions')
    .select('id')
    .where('revoked_at', '>=', since)
    .execute();
  return rows.map((row) => row.id);
}

/** What is past its time. An exchanged token is kept as long as it would have lived: until then its return is a theft. */
export async function deleteExpired(
  db: Executor,
  { now, revokedBefore }: { now: Date; revokedBefore: Date },
): Promise<void> {
  await db.deleteFrom('refresh_tokens').where('expires_at', '<', now).execute();
  await db
    .deleteFrom('sessions')
    .where((eb) =>
      eb.or([
        eb('expires_at', '<', now),
        eb('revoked_at', '<', revokedBefore),
        eb.and([
          eb('last_used_at', '<', revokedBefore),
          eb.not(
            eb.exists(
              eb
                .selectFrom('refresh_tokens')
                .select(sql`1`.as('one'))
                .whereRef('refresh_tokens.session_id', '=', 'sessions.id'),
            ),
          ),
        ]),
      ]),
    )
    .execute();
}
