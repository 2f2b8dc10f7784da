/** All SQL of one-time registration tokens and renewal nonces. */
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';

/** First half of the locks on names. */
const NAME_LOCKS = 7_408;

export async function insertToken(
  db: Executor,
  token: { token_hash: string; agent_id: string; slot: number; expires_at: Date },
): Promise<void> {
  await db
    .insertInto('registration_tokens')
    .values({ ...token, used_at: null })
    .execute();
}

/** Uses the token up in one statement: of two that come at once, one gets it. */
export async function takeToken(
  db: Executor,
  tokenHash: string,
  now: Date,
): Promise<{ agent_id: string; slot: number } | undefined> {
  return db
    .updateTable('registration_tokens')
    .set({ used_at: now })
    .where('token_hash', '=', tokenHash)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning(['agent_id', 'slot'])
    .executeTakeFirst();
}

/** False when the nonce was seen before. */
export async function rememberNonce(
  db: Executor,
  nonce: { agent_id: string; nonce: string; expires_at: Date },
): Promise<boolean> {
  const row = await db
    .insertInto('credential_nonces')
    .values(nonce)
    .onConflict((oc) => oc.doNothing())
    .returning('nonce')
    .executeTakeFirst();
  return row !== undefined;
}

export async function deleteExpired(db: Executor, before: Date): Promise<void> {
  await db.deleteFrom('registration_tokens').where('expires_at', '<', before).execute();
  await db.deleteFrom('credential_nonces').where('expires_at', '<', before).execute();
}

/** Until the transaction ends nobody else gives or takes this name. */
export async function lockName(db: Executor, name: string): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${NAME_LOCKS}, hashtext(${name}))`.execute(db);
}
