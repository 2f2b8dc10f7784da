/** All SQL of groups. */
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';

export interface GroupRow {
  name: string;
  description: string;
  selector: string;
  priority: number;
  version: number;
  created_at: Date;
  updated_at: Date;
}

export async function groups(db: Executor, limit: number): Promise<GroupRow[]> {
  return db
    .selectFrom('config_groups')
    .selectAll()
    .orderBy('priority')
    .orderBy('name')
    .limit(limit)
    .execute();
}

export async function groupByName(db: Executor, name: string): Promise<GroupRow | undefined> {
  return db.selectFrom('config_groups').selectAll().where('name', '=', name).executeTakeFirst();
}

export async function insertGroup(db: Executor, group: GroupRow): Promise<void> {
  await db.insertInto('config_groups').values(group).execute();
}

export async function updateGroup(db: Executor, { name, ...set }: GroupRow): Promise<void> {
  await db.updateTable('config_groups').set(set).where('name', '=', name).execute();
}

export async function deleteGroup(db: Executor, name: string): Promise<void> {
  await db.deleteFrom('config_groups').where('name', '=', name).execute();
}

/** Groups whose layer has a secret in any version that is kept, or in a draft: what may come back counts. */
export async function groupsWithSecrets(db: Executor): Promise<{ selector: string }[]> {
  return db
    .selectFrom('config_groups')
    .select('selector')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('config_secrets')
          .select('secret_id')
          .where(sql<boolean>`owner = 'group:' || config_groups.name`),
      ),
    )
    .execute();
}
