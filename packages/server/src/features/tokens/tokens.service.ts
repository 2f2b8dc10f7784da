/** Tokens for scripts (API) and for agents on other hosts (enrollment): made, used, revoked. */

import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { type Grant, isWithin } from '../../kernel/grants.ts';
import { type Ids, secretHash } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import { type Page, type PageRequest, pageOf } from '../../kernel/paging.ts';
import type { Caller } from '../../operation.ts';
import type { Database, Executor, RolesNow } from '../../platform/ports.ts';
import { createTokenMemory } from './token-memory.ts';
import * as store from './tokens.store.ts';

/** How an API token starts, so that scanners for leaked secrets and people know what they see. */
export const API_PREFIX = 'opmas_api_';
export const ENROLLMENT_PREFIX = 'opmas_enroll_';

/** Is the text that of an enrollment token? Says nothing of whether it is good. */
export const isEnrollmentToken = (text: string): boolean => text.startsWith(ENROLLMENT_PREFIX);

/** While the database is away, what it last said holds this long: events must go on coming in. */
const STALE_MS = 10 * 60_000;
const DAY_MS = 86_400_000;
/** Without a word about it an API token lives 90 days, an enrollment token one. */
const LIFE_MS = { api: 90 * DAY_MS, enrollment: DAY_MS } as const;

export interface TokenRequest {
  kind: store.TokenKind;
  name: string;
  expires_in?: number;
  roles?: string[];
  max_uses?: number;
  agent_type?: string;
  tags?: string[];
  replace?: boolean;
}

export interface TokenView {
  token_id: string;
  kind: store.TokenKind;
  name: string;
  roles: string[];
  max_uses: number | null;
  uses: number;
  agent_type: string | null;
  tags: string[];
  replace: boolean;
  created_by: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
}

/** What an enrollment token says of the agent it lets in. */
export interface Enrollment {
  token_id: string;
  /** Null: of any type. */
  agent_type: string | null;
  tags: string[];
  /** May the agent take over the name, and so the identity, of one that is there? */
  replace: boolean;
}

export function createTokensService(options: {
  database: Database;
  clock: Clock;
  ids: Ids;
  grantsOf: (roles: readonly string[]) => readonly Grant[];
  rolesNow: RolesNow;
}) {
  const { database, clock, ids, grantsOf } = options;
  /** Good tokens by their hash, refreshed by `sync`; one that is not here is asked of the database. */
  const remembered = createTokenMemory(limits.tokensRemembered);
  let syncedAt = clock.monotonic();

  async function lookUp(hash: string): Promise<store.UsableToken | undefined> {
    const known = remembered.get(hash);
    if (known !== undefined && clock.monotonic() - syncedAt < STALE_MS) return known;
    const now = new Date(clock.now());
    const token = await store.usableToken(database.pool, hash, now);
    if (token === undefined) return undefined;
    remembered.remember(hash, token);
    await store.markUsed(database.pool, [token.token_id], now);
    return token;
  }

  const isExpired = ({ expires_at: end }: store.UsableToken): boolean =>
    end !== null && end.getTime() <= clock.now();

  /** A token never outlives its maker, and never does more than they can do now. */
  function grantsNow(token: store.UsableToken): readonly Grant[] {
    const grants = grantsOf(token.roles);
    if (token.owner_id === null) return grants;
    if (token.owner_roles === null || token.owner_enabled === false) return [];
    const held = grantsOf(token.owner_roles);
    return grants.filter((grant) => isWithin([grant], held));
  }

  return {
    /** @throws {OpmasError} OPMAS_FORBIDDEN for more than the caller holds, OPMAS_INVALID_REQUEST */
    async create(
      db: Executor,
      request: TokenRequest,
      caller: Caller,
    ): Promise<TokenView & { token: string }> {
      const roles = request.roles ?? [];
      const known = await options.rolesNow(db, roles);
      const fault = faultOf(request, roles, known);
      if (fault !== undefined) {
        throw new OpmasError('OPMAS_INVALID_REQUEST', `${fault.path}: ${fault.message}`, {
          errors: [fault],
        });
      }
      if (!isWithin([...known.values()].flat(), caller.grants)) {
        throw new OpmasError(
          'OPMAS_FORBIDDEN',
          'The token would grant more than you hold yourself',
        );
      }
      const now = clock.now();
      if ((await store.countLiving(db, new Date(now))) >= limits.livingTokens) {
        throw new OpmasError(
          'OPMAS_CONFLICT',
          `There are ${limits.livingTokens} tokens; revoke some first`,
        );
      }
      const prefix = request.kind === 'api' ? API_PREFIX : ENROLLMENT_PREFIX;
      const text = `${prefix}${ids.secret()}`;
      const lifeMs =
        request.expires_in === undefined ? LIFE_MS[request.kind] : request.expires_in * 1_000;
      const row = await store.insertToken(db, {
        token_id: ids.uuid(),
        kind: request.kind,
        name: request.name,
        token_hash: secretHash(text),
        roles,
        max_uses: request.max_uses ?? (request.kind === 'enrollment' ? 1 : null),
        agent_type: request.agent_type ?? null,
        tags: request.tags ?? [],
        replace: request.replace ?? false,
        created_by: caller.name,
        owner_id: await behind(db, caller),
        created_at: new Date(now),
        expires_at: new Date(now + lifeMs),
      });
      return { ...toView(row), token: text };
    },

    async list(db: Executor, query: PageRequest & { kind?: string }): Promise<Page<TokenView>> {
      return pageOf(query, {
        rows: (limit, after) => store.listTokens(db, query, limit, after),
        item: toView,
        key: (row) => [row.created_at.toISOString(), row.token_id],
      });
    },

    /** @throws {OpmasError} OPMAS_NOT_FOUND */
    async revoke(db: Executor, tokenId: string): Promise<TokenView> {
      const row = await store.revokeToken(db, tokenId, new Date(clock.now()));
      if (row === undefined) {
        throw new OpmasError('OPMAS_NOT_FOUND', `No token ${tokenId} that is still good`);
      }
      return toView(row);
    },

    /** What was revoked here ends here at once, and nothing else; call after the commit. */
    forget: (tokenId: string): void => remembered.forget(tokenId),

    /** Takes over what any replica revoked, and what became of the tokens' makers; call every two seconds. */
    async sync(): Promise<void> {
      const ids = remembered.ids();
      const now = new Date(clock.now());
      const rows = ids.length === 0 ? [] : await store.stillUsable(database.pool, ids, now);
      remembered.update(ids, rows);
      const used = rows.map((row) => row.token_id);
      if (used.length > 0) await store.markUsed(database.pool, used, now);
      syncedAt = clock.monotonic();
    },

    /** What a token that was shown before grants now: nothing once it has ended. Asked for every message. */
    grantsNow(tokenId: string): readonly Grant[] {
      const token = remembered.byId(tokenId);
      return token === undefined || isExpired(token) ? [] : grantsNow(token);
    },

    /** Who an API token stands for; undefined for a text that is none of ours. */
    async callerOf(text: string): Promise<Caller | undefined> {
      if (!text.startsWith(API_PREFIX)) return undefined;
      const token = await lookUp(secretHash(text));
      const expired =
        token?.expires_at !== null && (token?.expires_at.getTime() ?? 0) <= clock.now();
      if (token === undefined || expired) {
        throw new OpmasError(
          'OPMAS_UNAUTHENTICATED',
          'The token is not known, was revoked or has expired',
          { isGuess: true },
        );
      }
      const grants = grantsNow(token);
      return { kind: 'token', id: token.token_id, name: token.name, roles: token.roles, grants };
    },

    /**
     * Uses an enrollment token up by one, for an agent of this type; undefined when it is not good for that.
     * In the caller's transaction: a registration that fails gives the use back.
     */
    async takeEnrollment(
      db: Executor,
      text: string,
      agentType: string,
    ): Promise<Enrollment | undefined> {
      if (!text.startsWith(ENROLLMENT_PREFIX)) return undefined;
      const now = new Date(clock.now());
      const row = await store.takeEnrollment(db, secretHash(text), agentType, now);
      if (row === undefined) return undefined;
      const { token_id, agent_type, tags, replace } = row;
      return { token_id, agent_type, tags, replace };
    },
  };
}

/** The person a new token ends with: a token hands on whoever stands behind itself. */
async function behind(db: Executor, caller: Caller): Promise<string | null> {
  if (caller.kind === 'user') return caller.id;
  return caller.kind === 'token' ? store.ownerOf(db, caller.id) : null;
}

export type TokensService = ReturnType<typeof createTokensService>;

function faultOf(
  request: TokenRequest,
  roles: readonly string[],
  known: ReadonlyMap<string, unknown>,
): { path: string; message: string } | undefined {
  const unknown = roles.findIndex((role) => !known.has(role));
  if (unknown >= 0) return { path: `roles/${unknown}`, message: `no role ${roles[unknown]}` };
  if (request.kind === 'api') {
    if (roles.length === 0)
      return { path: 'roles', message: 'an API token needs at least one role' };
    for (const key of ['max_uses', 'agent_type', 'tags', 'replace'] as const) {
      if (request[key] !== undefined) return { path: key, message: 'is for enrollment tokens' };
    }
    return undefined;
  }
  return roles.length > 0 ? { path: 'roles', message: 'are for API tokens' } : undefined;
}

function toView(row: store.TokenRow): TokenView {
  return {
    token_id: row.token_id,
    kind: row.kind as store.TokenKind,
    name: row.name,
    roles: row.roles,
    max_uses: row.max_uses,
    uses: row.uses,
    agent_type: row.agent_type,
    tags: row.tags,
    replace: row.replace,
    created_by: row.created_by,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
  };
}
