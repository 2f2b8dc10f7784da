/** All SQL of publishers: the keys that packages may be signed with. */
import { limits } from '../../kernel/limits.ts';
import type { Executor } from '../../platform/ports.ts';

export interface PublisherRow {
  key_id: string;
  name: string;
  public_key: string;
  added_by: string;
  created_at: Date;
}

export async function allPublishers(db: Executor): Promise<PublisherRow[]> {
  return db
    .selectFrom('publishers')
    .selectAll()
    .orderBy('name')
    .orderBy('key_id')
    .limit(limits.publishers)
    .execute();
}

export async function publisherById(
  db: Executor,
  keyId: string,
): Promise<PublisherRow | undefined> {
  return db.selectFrom('publishers').selectAll().where('key_id', '=', keyId).executeTakeFirst();
}

/** @returns false when the key or the name is there already */
export async function insertPublisher(db: Executor, row: PublisherRow): Promise<boolean> {
  const inserted = await db
    .insertInto('publishers')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning('key_id')
    .executeTakeFirst();
  return inserted !== undefined;
}

export async function deletePublisher(
  db: Executor,
  keyId: string,
): Promise<PublisherRow | undefined> {
  return db.deleteFrom('publishers').where('key_id', '=', keyId).returningAll().executeTakeFirst();
}
