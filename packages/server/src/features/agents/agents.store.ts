/** All SQL of the agents table. */
import type { Updateable } from 'kysely';
import type { AgentFacts, Reach } from '../../kernel/grants.ts';
import { withinReach } from '../../kernel/reach-sql.ts';
import { sql } from '../../kernel/sql.ts';
import type { Executor, Tables } from '../../platform/ports.ts';
import type { AgentRow, AgentView } from './agent.ts';

function views(db: Executor) {
  return db
    .selectFrom('agents as a')
    .leftJoin('agent_liveness as l', 'l.agent_id', 'a.id')
    .leftJoin('agent_counters as c', 'c.agent_id', 'a.id')
    .selectAll('a')
    .select(['l.last_heartbeat', sql<number>`coalesce(c.findings, 0)`.as('findings_count')]);
}

export async function agentView(db: Executor, id: string): Promise<AgentView | undefined> {
  return views(db).where('a.id', '=', id).executeTakeFirst();
}

export interface AgentFilter {
  status?: string;
  type?: string;
  tag?: string;
  q?: string;
}

/** By name; `after` is the (name, id) of the last row seen. Removed agents only when asked for. */
export async function listAgents(
  db: Executor,
  filter: AgentFilter & { reach: Reach },
  limit: number,
  after?: readonly [string, string],
): Promise<AgentView[]> {
  let query = views(db).orderBy('a.name').orderBy('a.id').limit(limit);
  if (filter.status === undefined) query = query.where('a.status', '<>', 'removed');
  else query = query.where('a.status', '=', filter.status);
  if (filter.reach !== 'all') query = query.where(withinReach(filter.reach, 'a'));
  if (filter.type !== undefined) query = query.where('a.type', '=', filter.type);
  if (filter.tag !== undefined) query = query.where(sql<boolean>`${filter.tag} = ANY(a.tags)`);
  if (filter.q !== undefined) {
    const pattern = `%${filter.q.replaceAll(/[\\%_]/g, '\\$&')}%`;
    query = query.where((eb) =>
      eb.or([
        eb('a.name', 'ilike', pattern),
        eb('a.description', 'ilike', pattern),
        eb('a.id', 'ilike', pattern),
      ]),
    );
  }
  if (after !== undefined) {
    query = query.where(sql<boolean>`(a.name, a.id) > (${after[0]}, ${after[1]})`);
  }
  return query.execute();
}

/** Locks the row for the rest of the transaction. */
export async function lockAgent(db: Executor, id: string): Promise<AgentRow | undefined> {
  return db.selectFrom('agents').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
}

export async function livingAgentByName(db: Executor, name: string): Promise<AgentRow | undefined> {
  return db
    .selectFrom('agents')
    .selectAll()
    .where('name', '=', name)
    .where('status', '<>', 'removed')
    .executeTakeFirst();
}

/** The agent a package had before it was removed: the same package gets its identity back. */
export async function formerAgent(
  db: Executor,
  name: string,
  packagePath: string,
): Promise<AgentRow | undefined> {
  return db
    .selectFrom('agents')
    .selectAll()
    .where('name', '=', name)
    .where('package_path', '=', packagePath)
    .where('status', '=', 'removed')
    .orderBy('updated_at', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function insertAgent(
  db: Executor,
  agent: {
    id: string;
    name: string;
    type: string;
    version: string;
    description: string;
    tags: string[];
    status: string;
    reason: string;
    at: Date;
  },
): Promise<void> {
  const { at, ...columns } = agent;
  await db
    .insertInto('agents')
    .values({
      ...columns,
      host_id: null,
      package_path: null,
      package_digest: null,
      package_dir: null,
      config_hash: null,
      instance_id: null,
      pid: null,
      created_at: at,
      updated_at: at,
    })
    .execute();
}

export type AgentUpdate = Updateable<Tables['agents']>;

export async function updateAgent(db: Executor, id: string, set: AgentUpdate): Promise<void> {
  await db.updateTable('agents').set(set).where('id', '=', id).execute();
}

/** Every agent that a host may have to run, removed ones left out. */
export async function assignedAgents(db: Executor): Promise<AgentRow[]> {
  return db
    .selectFrom('agents')
    .selectAll()
    .where('status', '<>', 'removed')
    .where('package_dir', 'is not', null)
    .where('host_id', 'is not', null)
    .execute();
}

/** Agents that no host runs: they were enrolled from other machines. */
export async function hostlessAgents(db: Executor): Promise<AgentRow[]> {
  return db
    .selectFrom('agents')
    .selectAll()
    .where('status', 'not in', ['discovered', 'removed'])
    .where('package_path', 'is', null)
    .execute();
}

/** What selectors look at, of every agent, removed ones too: their findings are still there. */
export async function allAgentFacts(db: Executor): Promise<AgentFacts[]> {
  return db.selectFrom('agents').select(['id', 'type', 'tags']).execute();
}

export async function agentFacts(db: Executor, id: string): Promise<AgentFacts | undefined> {
  return db
    .selectFrom('agents')
    .select(['id', 'type', 'tags'])
    .where('id', '=', id)
    .executeTakeFirst();
}

/** Names of agents by id, removed ones too: who may, or might, say what on the broker. */
export async function agentNames(
  db: Executor,
): Promise<{ id: string; name: string; status: string }[]> {
  return db.selectFrom('agents').select(['id', 'name', 'status']).execute();
}

export async function removedSince(
  db: Executor,
  since: Date,
): Promise<{ id: string; updated_at: Date }[]> {
  return db
    .selectFrom('agents')
    .select(['id', 'updated_at'])
    .where('status', '=', 'removed')
    .where('updated_at', '>=', since)
    .execute();
}

export async function countByStatus(db: Executor): Promise<{ status: string; n: number }[]> {
  return db
    .selectFrom('agents')
    .select(['status', sql<number>`count(*)`.as('n')])
    .groupBy('status')
    .execute();
}
