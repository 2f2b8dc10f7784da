/** All SQL of hosts and actions. */
import type { Reach } from '../../kernel/grants.ts';
import { agentWithinReach } from '../../kernel/reach-sql.ts';
import type { Executor } from '../../platform/ports.ts';

export async function upsertHost(
  db: Executor,
  host: { id: string; hostname: string; boot_id: string; started_at: Date; last_report: Date },
): Promise<void> {
  await db
    .insertInto('hosts')
    .values(host)
    .onConflict((oc) =>
      oc.column('id').doUpdateSet({
        hostname: host.hostname,
        boot_id: host.boot_id,
        started_at: host.started_at,
        last_report: host.last_report,
      }),
    )
    .execute();
}

export async function insertAction(
  db: Executor,
  action: {
    action_id: string;
    agent_id: string;
    command: string;
    generation: number;
    created_by: string;
    created_at: Date;
    deadline: Date;
  },
): Promise<void> {
  await db
    .insertInto('actions')
    .values({ ...action, state: 'pending', reason: null })
    .execute();
}

/** Undefined also when its agent is out of reach. */
export async function actionById(db: Executor, id: string, reach: Reach) {
  return db
    .selectFrom('actions')
    .selectAll()
    .where('action_id', '=', id)
    .where(agentWithinReach(reach, 'actions.agent_id'))
    .executeTakeFirst();
}

export async function pendingActions(db: Executor, agentId: string) {
  return db
    .selectFrom('actions')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('state', '=', 'pending')
    .execute();
}

export async function settleAction(
  db: Executor,
  id: string,
  state: 'done' | 'failed' | 'expired',
  reason: string | null,
): Promise<void> {
  await db
    .updateTable('actions')
    .set({ state, reason })
    .where('action_id', '=', id)
    .where('state', '=', 'pending')
    .execute();
}

export async function expireActions(db: Executor, now: Date): Promise<number> {
  const rows = await db
    .updateTable('actions')
    .set({ state: 'expired', reason: 'The deadline passed before the host reported it done' })
    .where('state', '=', 'pending')
    .where('deadline', '<', now)
    .returning('action_id')
    .execute();
  return rows.length;
}

/** Settled ones that were asked for before `before`. */
export async function trimActions(db: Executor, before: Date): Promise<void> {
  await db
    .deleteFrom('actions')
    .where('state', '<>', 'pending')
    .where('created_at', '<', before)
    .execute();
}
