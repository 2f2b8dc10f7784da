/** All SQL of hosts and actions. */
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

export async function actionById(db: Executor, id: string) {
  return db.selectFrom('actions').selectAll().where('action_id', '=', id).executeTakeFirst();
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
