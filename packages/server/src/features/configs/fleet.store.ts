/** SQL over agents as receivers of configurations: what layers depend on, and what follows from them. */
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import type { SchemaDocument } from './package-schema.ts';

/** An agent, as far as its configuration goes. */
export interface ReceiverRow {
  id: string;
  name: string;
  type: string;
  tags: string[];
  status: string;
  config_version: number;
  config_hash: string | null;
  subscribed_topics: string[];
  findings_topic: string;
  /** Names the content of what its package says. */
  package_hash: string;
}

/** In the order of their ids; removed ones only by id. */
export async function receivers(
  db: Executor,
  agentIds: readonly string[] | 'all',
): Promise<ReceiverRow[]> {
  let query = db
    .selectFrom('agents')
    .select([
      'id',
      'name',
      'type',
      'tags',
      'status',
      'config_version',
      'config_hash',
      'subscribed_topics',
      'findings_topic',
      'package_hash',
    ])
    .orderBy('id');
  query =
    agentIds === 'all'
      ? query.where('status', '<>', 'removed')
      : query.where(sql<boolean>`id = ANY(${[...agentIds]}::text[])`);
  return query.execute();
}

export interface PackageRow {
  package_hash: string;
  /** JSON of what the package sets. */
  text: string;
  config_schema: SchemaDocument | null;
}

export async function packagesOf(db: Executor, agentIds: readonly string[]): Promise<PackageRow[]> {
  return db
    .selectFrom('agents')
    .select(['package_hash', 'config_schema', sql<string>`default_config::text`.as('text')])
    .where(sql<boolean>`id = ANY(${[...agentIds]}::text[])`)
    .execute();
}

export interface NewConfig {
  id: string;
  name: string;
  status: string;
  config_version: number;
  hash: string;
  subscribed_topics: readonly string[];
  findings_topic: string;
  topics_changed: boolean;
}

/**
 * What many agents are told from now on, with a message for each, in two statements. An agent that gave
 * up on its configuration is started again.
 */
export async function updateReceivers(
  db: Executor,
  changes: readonly NewConfig[],
  at: Date,
): Promise<void> {
  if (changes.length === 0) return;
  const ids = changes.map(({ id }) => id);
  await sql`
    UPDATE agents a SET config_hash = n.hash, findings_topic = n.findings_topic, updated_at = ${at},
      subscribed_topics = ARRAY(SELECT jsonb_array_elements_text(n.topics)),
      generation = CASE WHEN a.status = 'failed' THEN a.generation + 1 ELSE a.generation END
    FROM unnest(${ids}::text[], ${changes.map(({ hash }) => hash)}::text[],
                ${changes.map(({ findings_topic }) => findings_topic)}::text[],
                ${changes.map(({ subscribed_topics }) => JSON.stringify(subscribed_topics))}::jsonb[])
      AS n (id, hash, findings_topic, topics)
    WHERE a.id = n.id`.execute(db);
  await sql`
    INSERT INTO outbox (kind, data)
    SELECT 'config.changed', jsonb_build_object('agent_id', id, 'version', version, 'hash', hash)
    FROM unnest(${ids}::text[], ${changes.map(({ config_version }) => config_version)}::bigint[],
                ${changes.map(({ hash }) => hash)}::text[]) AS t (id, version, hash)`.execute(db);
}
