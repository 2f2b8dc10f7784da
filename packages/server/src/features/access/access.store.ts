/** All SQL of custom roles. */
import type { Selectable } from 'kysely';
import type { Grant } from '../../kernel/grants.ts';
import { sql } from '../../kernel/sql.ts';
import type { Executor, Tables } from '../../platform/ports.ts';
import type { Role } from './roles.ts';

/** Serialises what decides on the number of roles. */
const ROLES_LOCK = 7_403;
/** Holders named in one answer, of each kind. */
const NAMED = 10;

function toRole(row: Pick<Selectable<Tables['roles']>, 'name' | 'description' | 'grants'>): Role {
  return { name: row.name, description: row.description, grants: row.grants as Grant[] };
}

export async function customRoles(db: Executor, limit: number): Promise<Role[]> {
  const rows = await db
    .selectFrom('roles')
    .select(['name', 'description', 'grants'])
    .orderBy('name')
    .limit(limit)
    .execute();
  return rows.map(toRole);
}

export async function roleByName(db: Executor, name: string): Promise<Role | undefined> {
  const row = await db
    .selectFrom('roles')
    .select(['name', 'description', 'grants'])
    .where('name', '=', name)
    .executeTakeFirst();
  return row === undefined ? undefined : toRole(row);
}

/** Of these names, the custom roles there are; in a transaction they stay as they are until it ends. */
export async function sharedRoles(db: Executor, names: readonly string[]): Promise<Role[]> {
  const rows = await db
    .selectFrom('roles')
    .select(['name', 'description', 'grants'])
    .where('name', 'in', names)
    .orderBy('name')
    .forShare()
    .execute();
  return rows.map(toRole);
}

/** Locked for the rest of the transaction. */
export async function lockRole(db: Executor, name: string): Promise<Role | undefined> {
  const row = await db
    .selectFrom('roles')
    .select(['name', 'description', 'grants'])
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst();
  return row === undefined ? undefined : toRole(row);
}

/** Until the transaction ends nobody else makes one. */
export async function lockRoles(db: Executor): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${ROLES_LOCK})`.execute(db);
}

export async function countRoles(db: Executor): Promise<number> {
  const row = await db
    .selectFrom('roles')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

/** False when the name is taken. */
export async function insertRole(db: Executor, role: Role, at: Date): Promise<boolean> {
  const row = await db
    .insertInto('roles')
    .values({
      name: role.name,
      description: role.description,
      grants: JSON.stringify(role.grants),
      created_at: at,
      updated_at: at,
    })
    .onConflict((oc) => oc.doNothing())
    .returning('name')
    .executeTakeFirst();
  return row !== undefined;
}

export async function updateRole(db: Executor, role: Role, at: Date): Promise<void> {
  await db
    .updateTable('roles')
    .set({
      description: role.description,
      grants: JSON.stringify(role.grants),
      updated_at: at,
    })
    .where('name', '=', role.name)
    .execute();
}

export async function deleteRole(db: Executor, name: string): Promise<void> {
  await db.deleteFrom('roles').where('name', '=', name).execute();
}

/** Who would lose something with the role: users, and API tokens that are still good at `now`. */
export async function holdersOf(db: Executor, role: string, now: Date): Promise<string[]> {
  const holds = sql<boolean>`roles @> ARRAY[${role}]::text[]`;
  const users = await db.selectFrom('users').select('username').where(holds).limit(NAMED).execute();
  const tokens = await db
    .selectFrom('tokens')
    .select('name')
    .where(holds)
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .limit(NAMED)
    .execute();
  return [
    ...users.map(({ username }) => username),
    ...tokens.map(({ name }) => `the API token ${name}`),
  ];
}
