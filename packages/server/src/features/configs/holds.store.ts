/** All SQL of holds: layers that one holder rolls out, and the pins that keep agents at the version before. */
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import type { ScopeRef } from './scopes.ts';

export interface Hold {
  holder: string;
  /** What agents see until it is their turn; 0 is an empty layer. */
  version: number;
}

export async function holdOf(
  db: Executor,
  { scope, scope_id }: ScopeRef,
): Promise<Hold | undefined> {
  return db
    .selectFrom('config_holds')
    .select(['holder', 'version'])
    .where('scope', '=', scope)
    .where('scope_id', '=', scope_id)
    .executeTakeFirst();
}

export async function addHold(db: Executor, ref: ScopeRef, hold: Hold): Promise<void> {
  await db
    .insertInto('config_holds')
    .values({ ...ref, ...hold })
    .execute();
}

export async function dropHold(db: Executor, { scope, scope_id }: ScopeRef): Promise<void> {
  await db
    .deleteFrom('config_holds')
    .where('scope', '=', scope)
    .where('scope_id', '=', scope_id)
    .execute();
}

/** From now on new agents follow the head. */
export async function endPinningNew(db: Executor, { scope, scope_id }: ScopeRef): Promise<void> {
  await db
    .updateTable('config_holds')
    .set({ pins_new: false })
    .where('scope', '=', scope)
    .where('scope_id', '=', scope_id)
    .execute();
}

/** Every agent there is, also those that the scope does not reach yet, and removed ones that may come back. */
export async function pinEverybody(
  db: Executor,
  { scope, scope_id }: ScopeRef,
  { holder, version }: Hold,
): Promise<void> {
  await sql`
    INSERT INTO config_pins (agent_id, scope, scope_id, version, holder)
    SELECT id, ${scope}, ${scope_id}, ${version}, ${holder} FROM agents
    ON CONFLICT (agent_id, scope, scope_id)
    DO UPDATE SET version = excluded.version, holder = excluded.holder`.execute(db);
}

/** Keeps these back once more. */
export async function pinAgain(
  db: Executor,
  { scope, scope_id }: ScopeRef,
  { holder, version }: Hold,
  agentIds: readonly string[],
): Promise<void> {
  await sql`
    INSERT INTO config_pins (agent_id, scope, scope_id, version, holder)
    SELECT id, ${scope}, ${scope_id}, ${version}, ${holder} FROM unnest(${[...agentIds]}::text[]) AS t (id)
    ON CONFLICT DO NOTHING`.execute(db);
}

/** A new agent begins where those are whose turn has not come. */
export async function pinNewcomer(db: Executor, agentId: string): Promise<void> {
  await sql`
    INSERT INTO config_pins (agent_id, scope, scope_id, version, holder)
    SELECT ${agentId}, scope, scope_id, version, holder FROM config_holds WHERE pins_new
    ON CONFLICT DO NOTHING`.execute(db);
}

/** Agents that are kept back. */
export async function pinnedAgents(db: Executor, { scope, scope_id }: ScopeRef): Promise<string[]> {
  const rows = await db
    .selectFrom('config_pins')
    .select('agent_id')
    .where('scope', '=', scope)
    .where('scope_id', '=', scope_id)
    .execute();
  return rows.map(({ agent_id }) => agent_id);
}

/** Pins of rollouts, none of which is under way any more. */
export async function dropHeldPins(db: Executor, { scope, scope_id }: ScopeRef): Promise<void> {
  await db
    .deleteFrom('config_pins')
    .where('scope', '=', scope)
    .where('scope_id', '=', scope_id)
    .where('holder', 'is not', null)
    .execute();
}
