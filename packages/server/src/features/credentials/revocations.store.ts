/** All SQL of revocations: what the broker must refuse, and what it was last told. */
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';

/** One writer of the account's claims at a time, whatever replica it is in. */
const WRITER_LOCK = 7_407;

export interface Revocation {
  public_key: string;
  agent_id: string | null;
  /** Unix seconds. */
  issued_up_to: number;
  revoked_at: Date;
  until: Date;
  burned: boolean;
  reason: string;
}

/** A key has one row: a later revocation moves it on, and burned stays burned. */
export async function upsertRevocation(db: Executor, row: Revocation): Promise<void> {
  await db
    .insertInto('broker_revocations')
    .values({ ...row, pushed: false })
    .onConflict((oc) =>
      oc.column('public_key').doUpdateSet({
        agent_id: row.agent_id,
        issued_up_to: sql<number>`greatest(broker_revocations.issued_up_to, excluded.issued_up_to)`,
        revoked_at: row.revoked_at,
        until: sql<Date>`greatest(broker_revocations.until, excluded.until)`,
        burned: sql<boolean>`broker_revocations.burned OR excluded.burned`,
        reason: row.reason,
        pushed: false,
      }),
    )
    .execute();
}

export async function revocationOf(
  db: Executor,
  publicKey: string,
): Promise<{ issued_up_to: number; burned: boolean } | undefined> {
  return db
    .selectFrom('broker_revocations')
    .select(['issued_up_to', 'burned'])
    .where('public_key', '=', publicKey)
    .executeTakeFirst();
}

/** Is there anything to tell the broker, or to forget? */
export async function isDue(db: Executor, now: Date): Promise<boolean> {
  const { rows } = await sql<{ due: boolean }>`
    SELECT EXISTS (SELECT 1 FROM broker_revocations WHERE NOT pushed)
        OR EXISTS (SELECT 1 FROM broker_revocations WHERE until < ${now} AND NOT burned) AS due`.execute(
    db,
  );
  return rows[0]?.due === true;
}

/** Held until the transaction ends. */
export async function lockWriter(db: Executor): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${WRITER_LOCK})`.execute(db);
}

export async function revocationsInForce(
  db: Executor,
  now: Date,
): Promise<{ public_key: string; issued_up_to: number; revoked_at: Date }[]> {
  return db
    .selectFrom('broker_revocations')
    .select(['public_key', 'issued_up_to', 'revoked_at'])
    .where('until', '>=', now)
    .execute();
}

/**
 * Keys the broker may forget since `since`; their rows go, but those of burned keys, which are kept for good and
 * told of once.
 */
export async function pruneRevocations(db: Executor, now: Date, since: Date): Promise<string[]> {
  const over = await db
    .selectFrom('broker_revocations')
    .select('public_key')
    .where('until', '<', now)
    .where((eb) => eb.or([eb('until', '>=', since), eb('burned', '=', false)]))
    .execute();
  await db
    .deleteFrom('broker_revocations')
    .where('until', '<', now)
    .where('burned', '=', false)
    .execute();
  await db
    .updateTable('broker_revocations')
    .set({ pushed: true })
    .where('until', '<', now)
    .where('pushed', '=', false)
    .execute();
  return over.map((row) => row.public_key);
}

/** Of a row that was revoked again meanwhile nothing is said: it is told next time. */
export async function markPushed(
  db: Executor,
  rows: readonly { public_key: string; revoked_at: Date }[],
): Promise<void> {
  await sql`
    UPDATE broker_revocations r SET pushed = true
    FROM unnest(${rows.map((r) => r.public_key)}::text[], ${rows.map((r) => r.revoked_at)}::timestamptz[])
      AS told (public_key, revoked_at)
    WHERE r.public_key = told.public_key AND r.revoked_at = told.revoked_at`.execute(db);
}

/** The time of the account's next claims: now, or later when it was said before. Keeps it. */
export async function nextClaimsTime(db: Executor, account: string, now: number): Promise<number> {
  const row = await db
    .insertInto('broker_account')
    .values({ account, issued_at: now })
    .onConflict((oc) =>
      oc.column('account').doUpdateSet({
        issued_at: sql<number>`greatest(broker_account.issued_at + 1, excluded.issued_at)`,
      }),
    )
    .returning('issued_at')
    .executeTakeFirstOrThrow();
  return row.issued_at;
}

/** Agents whose access ended since then: tokens of before are worth nothing. */
export async function agentsRevokedSince(
  db: Executor,
  since: Date,
): Promise<{ id: string; updated_at: Date }[]> {
  const rows = await db
    .selectFrom('broker_revocations')
    .select(['agent_id', 'revoked_at'])
    .where('revoked_at', '>=', since)
    .where('agent_id', 'is not', null)
    .execute();
  return rows.flatMap(({ agent_id, revoked_at }) =>
    agent_id === null ? [] : [{ id: agent_id, updated_at: revoked_at }],
  );
}
