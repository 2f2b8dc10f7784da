/** Signing in and staying signed in: set-up, passwords, sessions, refresh, who a token stands for. */
import { timingSafeEqual } from 'node:crypto';
import type { TokenPair } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { type Ids, secretHash } from '../../kernel/ids.ts';
import { sql } from '../../kernel/sql.ts';
import type { Caller } from '../../operation.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import * as store from './auth.store.ts';
import { checkPassword, hashPassword, verifyPassword } from './password.ts';
import {
  ACCESS_SECONDS,
  AGENT_SECONDS,
  type Claims,
  type Tokens,
  unauthenticated,
} from './tokens.ts';

const REFRESH_IDLE_MS = 12 * 3_600_000;
const SESSION_MS = 30 * 24 * 3_600_000;
/** Serialises set-up: two first users at once must not both succeed. */
const SETUP_LOCK = 7_402;

export const ANONYMOUS: Caller = {
  kind: 'anonymous',
  id: 'anonymous',
  name: 'anonymous',
  roles: [],
};
const LOCAL: Caller = { kind: 'local', id: 'local', name: 'local owner', roles: ['admin'] };

export interface AuthServiceOptions {
  database: Database;
  tokens: Tokens;
  clock: Clock;
  ids: Ids;
  /** Held by whoever can read the data folder; accepted as an administrator. */
  localToken: string;
}

export function createAuthService(options: AuthServiceOptions) {
  const { database, tokens, clock, ids } = options;
  const localHash = Buffer.from(secretHash(options.localToken));
  /** Sessions revoked while their access tokens may still live, by the end of that life. */
  const revoked = new Map<string, number>();
  /** Agents removed while their tokens may still live, with the time of it. */
  let removedAgents: ReadonlyMap<string, number> = new Map();

  const at = () => new Date(clock.now());

  async function openSession(db: Executor, user: store.User): Promise<TokenPair> {
    const now = clock.now();
    const sessionId = ids.uuid();
    await store.insertSession(db, {
      id: sessionId,
      user_id: user.id,
      created_at: new Date(now),
      expires_at: new Date(now + SESSION_MS),
    });
    return issuePair(db, user, sessionId);
  }

  async function issuePair(db: Executor, user: store.User, sessionId: string): Promise<TokenPair> {
    const refresh = ids.secret();
    await store.insertRefreshToken(db, {
      token_hash: secretHash(refresh),
      session_id: sessionId,
      expires_at: new Date(clock.now() + REFRESH_IDLE_MS),
    });
    const caller: Caller = { kind: 'user', id: user.id, name: user.username, roles: user.roles };
    return {
      access_token: await tokens.issue(caller, { seconds: ACCESS_SECONDS, sessionId }),
      refresh_token: refresh,
      token_type: 'Bearer',
      expires_in: ACCESS_SECONDS,
    };
  }

  async function createUser(
    db: Executor,
    input: { username: string; password: string; roles: string[] },
  ): Promise<store.User> {
    checkPassword(input.password, input.username);
    const user: store.User = {
      id: ids.uuid(),
      username: input.username,
      password_hash: await hashPassword(input.password),
      roles: input.roles,
    };
    await store.insertUser(db, user, at());
    return user;
  }

  type Exchange = { pair: TokenPair } | { refused: string; revoke?: string };

  async function exchange(db: Executor, refreshToken: string): Promise<Exchange> {
    const hash = secretHash(refreshToken);
    const row = await store.lockRefreshToken(db, hash);
    if (row === undefined) return { refused: 'The refresh token is not known; sign in again' };
    if (row.used_at !== null) {
      await store.revokeSession(db, row.session_id, at());
      return {
        refused: 'The refresh token was used before; the session is closed, sign in again',
        revoke: row.session_id,
      };
    }
    const now = clock.now();
    const ended =
      row.revoked_at !== null ||
      row.expires_at.getTime() < now ||
      row.session_expires_at.getTime() < now;
    if (ended) return { refused: 'The session has ended; sign in again' };
    const user = await store.userById(db, row.user_id);
    if (user === undefined) return { refused: 'The user is gone' };
    await store.markRefreshTokenUsed(db, hash, at());
    return { pair: await issuePair(db, user, row.session_id) };
  }

  function forget(sessionId: string): void {
    const now = clock.now();
    for (const [id, until] of revoked) if (until < now) revoked.delete(id);
    revoked.set(sessionId, now + ACCESS_SECONDS * 1_000);
  }

  const isRevoked = ({ caller, sessionId, expiresAt }: Claims): boolean =>
    (sessionId !== undefined && revoked.has(sessionId)) ||
    // An agent that came back since has newer tokens, which hold before the next look.
    (caller.kind === 'agent' &&
      expiresAt - AGENT_SECONDS * 1_000 <= (removedAgents.get(caller.id) ?? 0));

  return {
    /** Has what a token stood for ended since it was issued? From memory: no database is asked. */
    isRevoked,

    /**
     * Takes over what any replica revoked; call every few seconds.
     * @param removed agents removed within the life of an agent's token, and when they last changed
     */
    async syncRevocations(removed: readonly { id: string; updated_at: Date }[]): Promise<void> {
      removedAgents = new Map(removed.map(({ id, updated_at }) => [id, updated_at.getTime()]));
      const since = new Date(clock.now() - ACCESS_SECONDS * 1_000);
      for (const id of await store.sessionsRevokedSince(database.pool, since)) {
        if (!revoked.has(id)) forget(id);
      }
    },

    /** @throws {OpmasError} OPMAS_UNAUTHENTICATED */
    async authenticate(token: string): Promise<Claims> {
      const given = Buffer.from(secretHash(token));
      if (timingSafeEqual(given, localHash)) {
        return { caller: LOCAL, sessionId: undefined, expiresAt: Number.POSITIVE_INFINITY };
      }
      const claims = await tokens.verify(token);
      if (isRevoked(claims)) {
        throw unauthenticated(
          claims.caller.kind === 'agent' ? 'The agent was removed' : 'You have signed out',
        );
      }
      return claims;
    },

    async login(db: Executor, input: { username: string; password: string }): Promise<TokenPair> {
      const user = await store.userByName(db, input.username);
      const right = await verifyPassword(input.password, user?.password_hash);
      if (!right || user === undefined) {
        throw new OpmasError('OPMAS_BAD_CREDENTIALS', 'Wrong user name or password');
      }
      return openSession(db, user);
    },

    /**
     * Exchanges a refresh token for a new pair. A token used twice is a stolen one: the whole session is
     * revoked, which must commit although the caller is refused; hence the transaction of its own.
     */
    async refresh(refreshToken: string): Promise<TokenPair> {
      const outcome = await database.transaction((tx) => exchange(tx, refreshToken));
      if ('pair' in outcome) return outcome.pair;
      if (outcome.revoke !== undefined) forget(outcome.revoke);
      throw new OpmasError('OPMAS_TOKEN_INVALID', outcome.refused);
    },

    /** Ends the session of a refresh token; an unknown one is nothing to end. */
    async logout(db: Executor, refreshToken: string): Promise<void> {
      const row = await store.lockRefreshToken(db, secretHash(refreshToken));
      if (row === undefined) return;
      await store.revokeSession(db, row.session_id, at());
      forget(row.session_id);
    },

    async setupNeeded(db: Executor): Promise<boolean> {
      return (await store.countUsers(db)) === 0;
    },

    /** Makes `code` the one set-up code; every earlier one is worthless. */
    async acceptSetupCode(db: Executor, code: string): Promise<string> {
      await store.replaceSetupCode(db, secretHash(code), at());
      return code;
    },

    async setup(
      db: Executor,
      input: { code: string; username: string; password: string },
    ): Promise<TokenPair> {
      await sql`SELECT pg_advisory_xact_lock(${SETUP_LOCK})`.execute(db);
      if ((await store.countUsers(db)) > 0) {
        throw new OpmasError('OPMAS_SETUP_DONE', 'Set-up is done; sign in');
      }
      if (!(await store.takeSetupCode(db, secretHash(input.code)))) {
        throw new OpmasError(
          'OPMAS_TOKEN_INVALID',
          'The set-up code is not valid; use the link that the newest start printed',
        );
      }
      const user = await createUser(db, { ...input, roles: ['admin'] });
      return openSession(db, user);
    },

    /** The administrator of `OPMAS_ADMIN_PASSWORD`, made on the first start only. */
    async ensureAdmin(db: Executor, password: string): Promise<boolean> {
      await sql`SELECT pg_advisory_xact_lock(${SETUP_LOCK})`.execute(db);
      if ((await store.countUsers(db)) > 0) return false;
      await createUser(db, { username: 'admin', password, roles: ['admin'] });
      return true;
    },
  };
}

export type AuthService = ReturnType<typeof createAuthService>;
