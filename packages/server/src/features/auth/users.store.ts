/** All SQL of users, their recovery codes, and the changes that end their access tokens. */
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import type { User } from './user.ts';

/** Serialises what decides on the number of users or administrators: two at once must not both be right. */
const USERS_LOCK = 7_402;

export async function lockUsers(db: Executor): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${USERS_LOCK})`.execute(db);
}

export async function countUsers(db: Executor): Promise<number> {
  const row = await db
    .selectFrom('users')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

/** Enabled users with `role`, other than `except`. */
export async function countHolders(db: Executor, role: string, except: string): Promise<number> {
  const row = await db
    .selectFrom('users')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .where(sql<boolean>`roles @> ARRAY[${role}]::text[]`)
    .where('disabled_at', 'is', null)
    .where('id', '<>', except)
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

export async function userByName(db: Executor, username: string): Promise<User | undefined> {
  return db
    .selectFrom('users')
    .selectAll()
    .where(sql`lower(username)`, '=', username.toLowerCase())
    .executeTakeFirst();
}

export async function userById(db: Executor, id: string): Promise<User | undefined> {
  return db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function lockUser(db: Executor, id: string): Promise<User | undefined> {
  return db.selectFrom('users').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
}

export async function userBySubject(
  db: Executor,
  issuer: string,
  subject: string,
): Promise<User | undefined> {
  return db
    .selectFrom('users')
    .selectAll()
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .forUpdate()
    .executeTakeFirst();
}

export async function listUsers(
  db: Executor,
  { limit, after }: { limit: number; after: readonly string[] | undefined },
): Promise<User[]> {
  let query = db.selectFrom('users').selectAll().orderBy(sql`lower(username)`).limit(limit);
  if (after !== undefined) query = query.where(sql`lower(username)`, '>', after[0] ?? '');
  return query.execute();
}

export interface NewUser {
  id: string;
  username: string;
  password_hash: string | null;
  password_short?: boolean;
  roles: string[];
  issuer?: string;
  subject?: string;
}

/** Undefined when the name is taken. */
export async function insertUser(db: Executor, user: NewUser, at: Date): Promise<User | undefined> {
  return db
    .insertInto('users')
    .values({ ...user, created_at: at, updated_at: at })
    .onConflict((conflict) => conflict.expression(sql`lower(username)`).doNothing())
    .returningAll()
    .executeTakeFirst();
}

export type UserChange = Partial<
  Pick<
    User,
    | 'password_hash'
    | 'password_short'
    | 'roles'
    | 'disabled_at'
    | 'last_login_at'
    | 'totp_secret'
    | 'totp_proposed'
    | 'totp_step'
  >
>;

export async function updateUser(
  db: Executor,
  id: string,
  change: UserChange,
  at: Date,
): Promise<User> {
  return db
    .updateTable('users')
    .set({ ...change, updated_at: at })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** A sign-in is no change of the user: `updated_at` stays. */
export async function noteLogin(
  db: Executor,
  id: string,
  change: { last_login_at: Date; password_hash?: string },
): Promise<void> {
  await db.updateTable('users').set(change).where('id', '=', id).execute();
}

/** False when a code of this or a later time step was taken before. */
export async function takeTotpStep(db: Executor, id: string, step: number): Promise<boolean> {
  const taken = await db
    .updateTable('users')
    .set({ totp_step: step })
    .where('id', '=', id)
    .where((eb) => eb.or([eb('totp_step', 'is', null), eb('totp_step', '<', step)]))
    .returning('id')
    .executeTakeFirst();
  return taken !== undefined;
}

export async function deleteUser(db: Executor, id: string): Promise<void> {
  await db.deleteFrom('users').where('id', '=', id).execute();
}

export async function replaceRecoveryCodes(
  db: Executor,
  userId: string,
  hashes: readonly string[],
): Promise<void> {
  await db.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
  if (hashes.length === 0) return;
  await db
    .insertInto('recovery_codes')
    .values(hashes.map((code_hash) => ({ user_id: userId, code_hash })))
    .execute();
}

/** Uses the code up; false when it is none, or was used. */
export async function takeRecoveryCode(
  db: Executor,
  userId: string,
  hash: string,
): Promise<boolean> {
  const taken = await db
    .deleteFrom('recovery_codes')
    .where('user_id', '=', userId)
    .where('code_hash', '=', hash)
    .returning('code_hash')
    .executeTakeFirst();
  return taken !== undefined;
}

/** Access tokens of the user issued until now end; also when the user is about to be deleted. */
export async function noteAccessChange(db: Executor, userId: string, at: Date): Promise<void> {
  await db
    .insertInto('access_changes')
    .values({ user_id: userId, changed_at: at })
    .onConflict((conflict) => conflict.column('user_id').doUpdateSet({ changed_at: at }))
    .execute();
}

export async function accessChangesSince(
  db: Executor,
  since: Date,
): Promise<{ user_id: string; changed_at: Date }[]> {
  return db.selectFrom('access_changes').selectAll().where('changed_at', '>=', since).execute();
}

export async function deleteAccessChanges(db: Executor, before: Date): Promise<void> {
  await db.deleteFrom('access_changes').where('changed_at', '<', before).execute();
}

/** One set-up code at a time: a new start makes the old link worthless. */
/** Of two that do so at once the one that is second to get the lock has the last word. */
export async function replaceSetupCode(db: Executor, codeHash: string, at: Date): Promise<void> {
  await lockUsers(db);
  await db.deleteFrom('setup_codes').execute();
  await db.insertInto('setup_codes').values({ code_hash: codeHash, created_at: at }).execute();
}

export async function isSetupCode(db: Executor, codeHash: string): Promise<boolean> {
  const row = await db
    .selectFrom('setup_codes')
    .select('code_hash')
    .where('code_hash', '=', codeHash)
    .executeTakeFirst();
  return row !== undefined;
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

/** False when this return of a provider was taken before. */
export async function takeOidcReturn(
  db: Executor,
  stateHash: string,
  expires: Date,
): Promise<boolean> {
  const taken = await db
    .insertInto('oidc_returns')
    .values({ state_hash: stateHash, expires_at: expires })
    .onConflict((conflict) => conflict.doNothing())
    .returning('state_hash')
    .executeTakeFirst();
  return taken !== undefined;
}

export async function deleteOidcReturns(db: Executor, before: Date): Promise<void> {
  await db.deleteFrom('oidc_returns').where('expires_at', '<', before).execute();
}
