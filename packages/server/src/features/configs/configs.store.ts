/** All SQL of the agents' database layer and its versions. */

import type { ConfigLayer } from '@opmas/protocol';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';

export async function databaseLayer(db: Executor, agentId: string): Promise<ConfigLayer> {
  const rows = await db
    .selectFrom('agent_configs')
    .select(['key', 'value'])
    .where('agent_id', '=', agentId)
    .execute();
  return Object.fromEntries(rows.map((row) => [row.key, JSON.parse(row.value) as unknown]));
}

/** Replaces the layer and keeps the document as a version. */
export async function writeLayer(
  db: Executor,
  entry: {
    agent_id: string;
    version: number;
    document: ConfigLayer;
    reason: string | null;
    author: string;
    at: Date;
  },
): Promise<void> {
  const { agent_id, at, document } = entry;
  const keys = Object.keys(document);
  const values = keys.map((key) => JSON.stringify(document[key]));
  await db
    .deleteFrom('agent_configs')
    .where('agent_id', '=', agent_id)
    .where(sql<boolean>`NOT (key = ANY(${keys}::text[]))`)
    .execute();
  await sql`
    INSERT INTO agent_configs (agent_id, key, value, updated_at)
    SELECT ${agent_id}, t.key, t.value, ${at}
    FROM unnest(${keys}::text[], ${values}::text[]) AS t (key, value)
    ON CONFLICT (agent_id, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
    WHERE agent_configs.value <> excluded.value`.execute(db);
  await db
    .insertInto('agent_config_versions')
    .values({
      agent_id,
      version: entry.version,
      document: JSON.stringify(document),
      reason: entry.reason,
      author: entry.author,
      created_at: at,
    })
    .execute();
}

/** Newest first. */
export async function versions(db: Executor, agentId: string, limit: number, before?: number) {
  let query = db
    .selectFrom('agent_config_versions')
    .selectAll()
    .where('agent_id', '=', agentId)
    .orderBy('version', 'desc')
    .limit(limit);
  if (before !== undefined) query = query.where('version', '<', before);
  return query.execute();
}
