/** Staying signed in: sessions, and the refresh tokens that carry them on. */
import { createHash } from 'node:crypto';
import type { TokenPair } from '@opmas/protocol';
import { type Clock, timestamp } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { type Ids, secretHash } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import type { Call } from '../../operation.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import type { Revocations } from './revocations.ts';
import * as store from './sessions.store.ts';
import { addressKey, type Throttle } from './throttle.ts';
import { ACCESS_SECONDS, type Tokens } from './tokens.ts';
import type { User } from './user.ts';

/** Unused for this long a session ends; used, it ends after `SESSION_MS` all the same. */
export const IDLE_MS = 12 * 3_600_000;
const SESSION_MS = 30 * 24 * 3_600_000;
/** How long a client whose answer was lost may ask for it again. */
const GRACE_MS = 10_000;
const USER_AGENT_MAX = 256;

/** Where a call comes from, as far as it can be told. */
export interface Client {
  remote: string;
  userAgent?: string;
}

/** A pair always has its refresh token here; a door may put it into a cookie instead. */
export type Pair = TokenPair & { refresh_token: string };

export interface SessionView {
  session_id: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  remote: string | null;
  user_agent: string | null;
  current: boolean;
}

interface Refused {
  refused: string;
  /** Nobody has, or had, this token. */
  isGuess?: true;
  stolen?: { session: string; user: string };
}

export type SessionsService = ReturnType<typeof createSessions>;

export function createSessions(options: {
  database: Database;
  tokens: Tokens;
  clock: Clock;
  ids: Ids;
  throttle: Throttle;
  revocations: Revocations;
}) {
  const { database, tokens, clock, ids, throttle, revocations } = options;
  const at = () => new Date(clock.now());
  const idleSince = () => new Date(clock.now() - IDLE_MS);

  async function issue(
    db: Executor,
    user: User,
    { sessionId, refresh, isNew }: { sessionId: string; refresh: string; isNew: boolean },
  ): Promise<Pair> {
    if (isNew) {
      await store.insertRefreshToken(db, {
        token_hash: secretHash(refresh),
        session_id: sessionId,
        expires_at: new Date(clock.now() + IDLE_MS),
      });
    }
    const caller = { kind: 'user', id: user.id, name: user.username, roles: user.roles } as const;
    return {
      access_token: await tokens.issue(caller, { seconds: ACCESS_SECONDS, sessionId }),
      refresh_token: refresh,
      token_type: 'Bearer',
      expires_in: ACCESS_SECONDS,
    };
  }

  /**
   * The one rule of exchange: a refresh token is exchanged once, for one successor. The client that
   * exchanged it may ask again within ten seconds, while the successor is unused, because its answer may
   * have been lost: it gets the same successor. Anybody else, or later, has a stolen token: the session ends.
   */
  async function exchange(
    db: Executor,
    token: string,
    client: Client,
  ): Promise<{ pair: Pair } | Refused> {
    const hash = secretHash(token);
    // With their rights as they are at the commit: a change under way is waited for.
    const user = await store.sharedOwner(db, hash);
    const row = await store.lockRefreshToken(db, hash);
    if (row === undefined) {
      return { refused: 'The refresh token is not known; sign in again', isGuess: true };
    }
    const now = clock.now();
    const { session_id: sessionId } = row;
    const ended =
      row.revoked_at !== null ||
      row.expires_at.getTime() < now ||
      row.session_expires_at.getTime() < now;
    if (ended) return { refused: 'The session has ended; sign in again' };
    const again = row.used_at === null ? undefined : await repeated(db, token, row, client);
    if (again === undefined && row.used_at !== null) {
      return {
        refused: 'The refresh token was used before; the session is closed, sign in again',
        stolen: { session: sessionId, user: row.user_id },
      };
    }
    if (user === undefined || user.disabled_at !== null) {
      return { refused: 'The session has ended; sign in again' };
    }
    if (again !== undefined) {
      return { pair: await issue(db, user, { sessionId, refresh: again, isNew: false }) };
    }
    const salt = ids.secret();
    const refresh = successorOf(token, salt);
    await store.markExchanged(db, hash, {
      used_at: at(),
      used_by: fingerprint(client),
      successor_salt: salt,
      successor_hash: secretHash(refresh),
    });
    await store.noteUse(db, sessionId, { last_used_at: at(), ...seen(client) });
    return { pair: await issue(db, user, { sessionId, refresh, isNew: true }) };
  }

  /** The successor once more, for whom the rule allows it. */
  async function repeated(
    db: Executor,
    token: string,
    row: store.RefreshToken,
    client: Client,
  ): Promise<string | undefined> {
    const { used_at, used_by, successor_salt, successor_hash } = row;
    if (used_at === null || successor_salt === null || successor_hash === null) return undefined;
    const inTime = clock.now() - used_at.getTime() <= GRACE_MS;
    if (!inTime || used_by !== fingerprint(client)) return undefined;
    if (!(await store.isUnusedToken(db, successor_hash))) return undefined;
    return successorOf(token, successor_salt);
  }

  return {
    /** Signs a user in; beyond the bound the session used longest ago ends. */
    async open(
      db: Executor,
      user: User,
      client: Client,
      afterCommit: Call['afterCommit'],
    ): Promise<Pair> {
      const now = clock.now();
      const living = await store.livingSessions(db, user.id, { idleSince: idleSince(), now: at() });
      for (const { id } of living.slice(limits.sessionsPerUser - 1)) {
        await store.revokeSession(db, id, { at: at() });
        afterCommit(() => revocations.endSession(id));
      }
      const sessionId = ids.uuid();
      await store.insertSession(db, {
        id: sessionId,
        user_id: user.id,
        created_at: new Date(now),
        expires_at: new Date(now + SESSION_MS),
        ...seen(client),
      });
      return issue(db, user, { sessionId, refresh: ids.secret(), isNew: true });
    },

    /**
     * Exchanges a refresh token for a new pair. The end of a stolen session commits although the caller is
     * refused, together with what shall be on record.
     * @param endStolen runs the work in the transaction of that record; when it fails the session goes on,
     * and ends when either token comes again
     */
    async refresh(
      token: string,
      client: Client,
      endStolen: (
        stolen: { session: string; user: string },
        work: (tx: Executor) => Promise<void>,
      ) => Promise<void>,
    ): Promise<Pair> {
      const key = addressKey('refresh', client.remote);
      await throttle.admit(key);
      const outcome = await database.transaction((tx) => exchange(tx, token, client));
      if ('pair' in outcome) return outcome.pair;
      const { stolen } = outcome;
      if (stolen !== undefined) {
        await endStolen(stolen, async (tx) => {
          if (await store.revokeSession(tx, stolen.session, { at: at() })) return;
          // Another use of it came first, and is on record.
          throw new OpmasError('OPMAS_TOKEN_INVALID', outcome.refused);
        });
        revocations.endSession(stolen.session);
      }
      if (outcome.isGuess === true) await throttle.failed(key);
      throw new OpmasError('OPMAS_TOKEN_INVALID', outcome.refused);
    },

    /** Is it a refresh token that somebody has, or had? */
    isKnown: (db: Executor, token: string): Promise<boolean> =>
      store.isKnownToken(db, secretHash(token)),

    /** Ends the session of a refresh token; an unknown one is nothing to end. Its id, once it is certain. */
    async logout(db: Executor, token: string): Promise<string | undefined> {
      const row = await store.lockRefreshToken(db, secretHash(token));
      if (row === undefined) return undefined;
      await store.revokeSession(db, row.session_id, { at: at() });
      return row.session_id;
    },

    async list(db: Executor, userId: string, current?: string): Promise<SessionView[]> {
      const rows = await store.livingSessions(db, userId, { idleSince: idleSince(), now: at() });
      return rows.map((row) => toView(row, current));
    },

    /** Ends one session of the user. @throws {OpmasError} OPMAS_NOT_FOUND */
    async end(db: Executor, userId: string, sessionId: string): Promise<void> {
      if (await store.revokeSession(db, sessionId, { at: at(), ofUser: userId })) return;
      throw new OpmasError('OPMAS_NOT_FOUND', `No session ${sessionId} of this user`);
    },

    /** Ends all sessions of the user but `except`. Tell `revocations` of them after the commit. */
    endAll: (db: Executor, userId: string, except?: string) =>
      store.revokeSessionsOf(db, userId, { at: at(), except }),
  };
}

/** Made from the token itself, so that it need not be kept to be given again. */
function successorOf(token: string, salt: string): string {
  return createHash('sha256').update(`${salt} ${token}`).digest('base64url');
}

function fingerprint({ remote, userAgent = '' }: Client): string {
  return createHash('sha256')
    .update(JSON.stringify([remote, userAgent]))
    .digest('hex');
}

function seen({ remote, userAgent }: Client): { remote: string; user_agent: string | null } {
  return { remote, user_agent: userAgent?.slice(0, USER_AGENT_MAX) ?? null };
}

function toView(row: store.Session, current: string | undefined): SessionView {
  return {
    session_id: row.id,
    created_at: timestamp(row.created_at.getTime()),
    last_used_at: timestamp(row.last_used_at.getTime()),
    expires_at: timestamp(row.expires_at.getTime()),
    remote: row.remote,
    user_agent: row.user_agent,
    current: row.id === current,
  };
}
