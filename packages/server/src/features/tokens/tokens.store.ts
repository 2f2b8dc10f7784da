/** All SQL of API tokens and enrollment tokens: only their hashes are kept. */
import type { Selectable } from 'kysely';
import { sql } from '../../kernel/sql.ts';
import type { Executor, Tables } from '../../platform/ports.ts';

export type TokenRow = Selectable<Tables['tokens']>;
export type TokenKind = 'api' | 'enrollment';

export interface NewToken {
  token_id: string;
  kind: TokenKind;
  name: string;
  token_hash: string;
  roles: string[];
  max_uses: number | null;
  agent_type: string | null;
  tags: string[];
  replace: boolean;
  created_by: string;
  owner_id: string | null;
  created_at: Date;
  expires_at: Date | null;
}

export async function insertToken(db: Executor, token: NewToken): Promise<TokenRow> {
  return db
    .insertInto('tokens')
    .values({ ...token, last_used_at: null, revoked_at: null })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function listTokens(
  db: Executor,
  filter: { kind?: string },
  limit: number,
  after?: readonly [string, string],
): Promise<TokenRow[]> {
  let query = db
    .selectFrom('tokens')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('token_id', 'desc')
    .limit(limit);
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind);
  if (after !== undefined) {
    query = query.where(
      sql<boolean>`(created_at, token_id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`,
    );
  }
  return query.execute();
}

export async function countLiving(db: Executor, now: Date): Promise<number> {
  const row = await db
    .selectFrom('tokens')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

/** Who stands behind a token; null for one that the owner of the data folder made. */
export async function ownerOf(db: Executor, tokenId: string): Promise<string | null> {
  const row = await db
    .selectFrom('tokens')
    .select('owner_id')
    .where('token_id', '=', tokenId)
    .executeTakeFirstOrThrow();
  return row.owner_id;
}

/** Undefined when there is no such token, or it was revoked before. */
export async function revokeToken(
  db: Executor,
  tokenId: string,
  at: Date,
): Promise<TokenRow | undefined> {
  return db
    .updateTable('tokens')
    .set({ revoked_at: at })
    .where('token_id', '=', tokenId)
    .where('revoked_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
}

export interface UsableToken {
  token_id: string;
  name: string;
  roles: string[];
  expires_at: Date | null;
  owner_id: string | null;
  /** Roles of the owner now; null when the token has no owner, or the owner is gone. */
  owner_roles: string[] | null;
  owner_enabled: boolean | null;
}

function usable(db: Executor, now: Date) {
  return db
    .selectFrom('tokens as t')
    .leftJoin('users as u', 'u.id', 't.owner_id')
    .select([
      't.token_id',
      't.name',
      't.roles',
      't.expires_at',
      't.owner_id',
      'u.roles as owner_roles',
      sql<boolean | null>`(to_jsonb(u) ->> 'disabled_at') IS NULL`.as('owner_enabled'),
    ])
    .where('t.kind', '=', 'api')
    .where('t.revoked_at', 'is', null)
    .where((eb) => eb.or([eb('t.expires_at', 'is', null), eb('t.expires_at', '>', now)]));
}

/** An API token that may be used at `now`. */
export async function usableToken(
  db: Executor,
  hash: string,
  now: Date,
): Promise<UsableToken | undefined> {
  return usable(db, now).where('t.token_hash', '=', hash).executeTakeFirst();
}

/** Those of `ids` that may still be used. */
export async function stillUsable(
  db: Executor,
  ids: readonly string[],
  now: Date,
): Promise<UsableToken[]> {
  return usable(db, now)
    .where((eb) => eb('t.token_id', '=', eb.fn.any(eb.val([...ids]))))
    .execute();
}

/** Written at most once a minute: a busy script must not churn the table. */
export async function markUsed(db: Executor, ids: readonly string[], now: Date): Promise<void> {
  await db
    .updateTable('tokens')
    .set({ last_used_at: now })
    .where((eb) => eb('token_id', '=', eb.fn.any(eb.val([...ids]))))
    .where((eb) =>
      eb.or([
        eb('last_used_at', 'is', null),
        eb('last_used_at', '<', new Date(now.getTime() - 60_000)),
      ]),
    )
    .execute();
}

/** Uses an enrollment token once more, in one statement: of two that want the last use, one gets it. */
export async function takeEnrollment(
  db: Executor,
  hash: string,
  agentType: string,
  now: Date,
): Promise<TokenRow | undefined> {
  return db
    .updateTable('tokens')
    .set({ uses: sql`uses + 1`, last_used_at: now })
    .where('token_hash', '=', hash)
    .where('kind', '=', 'enrollment')
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .where((eb) => eb.or([eb('max_uses', 'is', null), eb('uses', '<', eb.ref('max_uses'))]))
    .where((eb) => eb.or([eb('agent_type', 'is', null), eb('agent_type', '=', agentType)]))
    .returningAll()
    .executeTakeFirst();
}
