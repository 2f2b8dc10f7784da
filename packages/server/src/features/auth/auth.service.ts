/** Who a token stands for; and the parts of signing in, put together. */
import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import type { Grant } from '../../kernel/grants.ts';
import { type Ids, secretHash } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import type { Caller } from '../../operation.ts';
import type { Database, RolesNow, Vault } from '../../platform/ports.ts';
import { createAccount } from './account.service.ts';
import { createEndings } from './endings.ts';
import { createRevocations, REMEMBER_MS } from './revocations.ts';
import { createSecondFactor } from './second-factor.ts';
import { createSessions } from './sessions.service.ts';
import { deleteExpired } from './sessions.store.ts';
import { createSignIn } from './sign-in.ts';
import { createThrottle } from './throttle.ts';
import { type Claims, type Tokens, unauthenticated } from './tokens.ts';
import { createUsers } from './users.service.ts';
import { deleteAccessChanges, deleteOidcReturns } from './users.store.ts';

export const ANONYMOUS: Caller = {
  kind: 'anonymous',
  id: 'anonymous',
  name: 'anonymous',
  roles: [],
  grants: [],
};
const LOCAL: Caller = {
  kind: 'local',
  id: 'local',
  name: 'local owner',
  roles: ['admin'],
  grants: [{ permission: '*' }],
};

/** Another site people sign in with; its name is on a button. */
export interface Provider {
  id: string;
  name: string;
}

/** There is one, for now; its name is a setting. */
export const PROVIDER_ID = 'oidc';

export interface AuthServiceOptions {
  database: Database;
  tokens: Tokens;
  vault: Vault;
  clock: Clock;
  ids: Ids;
  /** Held by whoever can read the data folder; accepted as an administrator. */
  localToken: string;
  /** What these roles grant now. */
  grantsOf: (roles: readonly string[]) => readonly Grant[];
  rolesNow: RolesNow;
  /** Other sites people sign in with. */
  providers: readonly Provider[];
  /** Who an API token (`opmas_…`) stands for; undefined for any other text. */
  tokenCaller: (token: string) => Promise<Caller | undefined>;
  /** What an API token, by its id, grants now. */
  tokenGrants: (tokenId: string) => readonly Grant[];
}

export type AuthService = ReturnType<typeof createAuthService>;

export function createAuthService(options: AuthServiceOptions) {
  const { database, tokens, clock, grantsOf } = options;
  const localHash = Buffer.from(secretHash(options.localToken));
  const revocations = createRevocations({ database: database.pool, clock });
  const throttle = createThrottle({ database: database.pool, clock });
  const secondFactor = createSecondFactor(options);
  const sessions = createSessions({ ...options, throttle, revocations });
  const endings = createEndings({ clock, sessions, revocations });
  const parts = { ...options, throttle, revocations, secondFactor, sessions, endings };
  const { isRevoked } = revocations;

  return {
    sessions,
    signIn: createSignIn(parts),
    users: createUsers(parts),
    account: createAccount(parts),
    revocations,
    providers: options.providers,

    /** What a caller of before may do now. */
    grantsNow: (caller: Caller): readonly Grant[] => {
      if (caller.kind === 'user') return grantsOf(caller.roles);
      return caller.kind === 'token' ? options.tokenGrants(caller.id) : caller.grants;
    },

    /** Has what a token stood for ended since it was issued? From memory: no database is asked. */
    isRevoked,

    /**
     * Takes over what any replica revoked, and its keys; call every few seconds.
     * @param removed agents removed within the life of an agent's token, and when they last changed
     */
    async syncRevocations(removed: readonly { id: string; updated_at: Date }[]): Promise<void> {
      await revocations.sync(removed);
      await tokens.refreshKeys();
    },

    /** Deletes what is past its time; call now and then. */
    async trim(): Promise<void> {
      const now = new Date(clock.now());
      const forgotten = new Date(clock.now() - REMEMBER_MS);
      await deleteExpired(database.pool, { now, revokedBefore: forgotten });
      await deleteAccessChanges(database.pool, forgotten);
      await deleteOidcReturns(database.pool, now);
      await throttle.trim(limits.throttled);
    },

    /** @throws {OpmasError} OPMAS_UNAUTHENTICATED */
    async authenticate(token: string): Promise<Claims> {
      const given = Buffer.from(secretHash(token));
      if (timingSafeEqual(given, localHash)) return endless(LOCAL);
      const scripted = await options.tokenCaller(token);
      if (scripted !== undefined) return endless(scripted);
      const claims = await tokens.verify(token);
      if (isRevoked(claims)) {
        throw unauthenticated(
          claims.caller.kind === 'agent'
            ? 'The agent was removed'
            : 'You have signed out, or your rights were changed; sign in again',
        );
      }
      const { caller, sessionId } = claims;
      return {
        ...claims,
        caller: {
          ...caller,
          grants: caller.kind === 'user' ? grantsOf(caller.roles) : [],
          ...(sessionId === undefined ? {} : { sessionId }),
        },
      };
    },
  };
}

/** Not a token with an end of its own: what it stands for is asked anew each time. */
function endless(caller: Caller): Claims {
  const forever = Number.POSITIVE_INFINITY;
  return { caller, sessionId: undefined, issuedAt: forever, expiresAt: forever };
}
