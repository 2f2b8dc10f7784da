/** All SQL of slots, and of where credentials let an agent publish findings. */
import type { Updateable } from 'kysely';
import type { Executor, Tables } from '../../platform/ports.ts';
import type { HostWord, SlotRow } from './slot.ts';

/** The slot, made when it is missing, locked for the rest of the transaction. */
export async function lockSlot(db: Executor, agentId: string, slot: number): Promise<SlotRow> {
  await db
    .insertInto('agent_slots')
    .values({ agent_id: agentId, slot })
    .onConflict((oc) => oc.doNothing())
    .execute();
  return db
    .selectFrom('agent_slots')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('slot', '=', slot)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

export async function slotsOf(db: Executor, agentId: string): Promise<SlotRow[]> {
  return db
    .selectFrom('agent_slots')
    .selectAll()
    .where('agent_id', '=', agentId)
    .orderBy('slot')
    .forUpdate()
    .execute();
}

export async function updateSlot(
  db: Executor,
  { agent_id, slot }: Pick<SlotRow, 'agent_id' | 'slot'>,
  set: Updateable<Tables['agent_slots']>,
): Promise<void> {
  await db
    .updateTable('agent_slots')
    .set(set)
    .where('agent_id', '=', agent_id)
    .where('slot', '=', slot)
    .execute();
}

/** Is the key registered for another slot? */
export async function isKeyElsewhere(
  db: Executor,
  publicKey: string,
  { agent_id, slot }: Pick<SlotRow, 'agent_id' | 'slot'>,
): Promise<boolean> {
  const row = await db
    .selectFrom('agent_slots')
    .select(['agent_id', 'slot'])
    .where('public_key', '=', publicKey)
    .executeTakeFirst();
  return row !== undefined && (row.agent_id !== agent_id || row.slot !== slot);
}

/** What the agent's host last said of it. */
export async function hostWord(db: Executor, agentId: string): Promise<HostWord> {
  const row = await db
    .selectFrom('agents as a')
    .leftJoin('hosts as h', 'h.id', 'a.host_id')
    .select(['a.host_id', 'a.instance_id', 'h.last_report'])
    .where('a.id', '=', agentId)
    .executeTakeFirst();
  if (row === undefined || row.host_id === null) return undefined;
  return { instanceId: row.instance_id, at: row.last_report };
}

/** Agents that had a second instance shut out, the last time before then. */
export async function fencedBefore(db: Executor, before: Date): Promise<string[]> {
  const rows = await db
    .selectFrom('agent_slots')
    .select('agent_id')
    .distinct()
    .where('fenced_at', '<', before)
    .execute();
  return rows.map((row) => row.agent_id);
}

/** Forgets the second instances of an agent that were shut out before then; false when there are none. */
export async function calmSlots(db: Executor, agentId: string, before: Date): Promise<boolean> {
  const rows = await db
    .updateTable('agent_slots')
    .set({ fenced_at: null })
    .where('agent_id', '=', agentId)
    .where('fenced_at', '<', before)
    .returning('slot')
    .execute();
  return rows.length > 0;
}

export async function grantTopic(
  db: Executor,
  row: { agent_id: string; topic: string; issued_at: Date },
): Promise<void> {
  await db
    .insertInto('agent_findings_topics')
    .values(row)
    .onConflict((oc) => oc.columns(['agent_id', 'topic']).doUpdateSet({ issued_at: row.issued_at }))
    .execute();
}

/** Topics each of these agents may have published findings on. */
export async function grantedTopics(
  db: Executor,
  agentIds: readonly string[],
): Promise<{ agent_id: string; topic: string }[]> {
  const granted = db
    .selectFrom('agent_findings_topics')
    .select(['agent_id', 'topic'])
    .where('agent_id', 'in', [...agentIds]);
  const own = db
    .selectFrom('agents')
    .select(['id as agent_id', 'findings_topic as topic'])
    .where('id', 'in', [...agentIds]);
  return granted.union(own).execute();
}

export async function trimTopics(db: Executor, before: Date): Promise<void> {
  await db.deleteFrom('agent_findings_topics').where('issued_at', '<', before).execute();
}
