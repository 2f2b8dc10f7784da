/** All SQL of layers, their versions, heads and pins. */
import type { ConfigLayer } from '@opmas/protocol';
import { sql } from '../../kernel/sql.ts';
import type { Executor, SealedColumn } from '../../platform/ports.ts';
import { FLEET, type Scope, type ScopeRef } from './scopes.ts';

/** Secret values; the documents hold their ids alone. */
export const CONFIG_SECRETS: SealedColumn = {
  table: 'config_secrets',
  key: ['owner', 'secret_id', 'path'],
  column: 'sealed',
};

export interface LayerVersion {
  version: number;
  /** As it is stored: with ids in the place of secrets. */
  document: ConfigLayer;
  hash: string;
  reason: string | null;
  author: string;
  created_at: Date;
  expires_at: Date | null;
}

const VERSION = [
  'l.version',
  'l.document',
  'l.hash',
  'l.reason',
  'l.author',
  'l.created_at',
  'l.expires_at',
] as const;

function versions(db: Executor, { scope, scope_id }: ScopeRef) {
  return db
    .selectFrom('config_layers as l')
    .select(VERSION)
    .where('l.scope', '=', scope)
    .where('l.scope_id', '=', scope_id);
}

/** The version in force; undefined when the scope was never written. */
export async function headOf(db: Executor, ref: ScopeRef): Promise<LayerVersion | undefined> {
  return versions(db, ref)
    .innerJoin('config_heads as h', (join) =>
      join
        .onRef('h.scope', '=', 'l.scope')
        .onRef('h.scope_id', '=', 'l.scope_id')
        .onRef('h.version', '=', 'l.version'),
    )
    .executeTakeFirst();
}

export async function versionOf(
  db: Executor,
  ref: ScopeRef,
  version: number,
): Promise<LayerVersion | undefined> {
  return versions(db, ref).where('l.version', '=', version).executeTakeFirst();
}

/** Newest first. */
export async function listVersions(
  db: Executor,
  ref: ScopeRef,
  limit: number,
  before?: number,
): Promise<LayerVersion[]> {
  let query = versions(db, ref).orderBy('l.version', 'desc').limit(limit);
  if (before !== undefined) query = query.where('l.version', '<', before);
  return query.execute();
}

/**
 * Until the transaction ends nobody else writes the scope.
 * @returns the version in force, 0 when there is none yet
 */
export async function lockHead(db: Executor, { scope, scope_id }: ScopeRef): Promise<number> {
  await sql`
    INSERT INTO config_heads (scope, scope_id, version)
    SELECT ${scope}, ${scope_id}, coalesce(max(version), 0)
    FROM config_layers WHERE scope = ${scope} AND scope_id = ${scope_id}
    ON CONFLICT DO NOTHING`.execute(db);
  const row = await db
    .selectFrom('config_heads')
    .select('version')
    .where('scope', '=', scope)
    .where('scope_id', '=', scope_id)
    .forUpdate()
    .executeTakeFirstOrThrow();
  return row.version;
}

/** A new agent, that nobody else can see yet, waits for whoever changes many agents at once. */
export async function waitForFleet(db: Executor): Promise<void> {
  await sql`SELECT version FROM config_heads
    WHERE scope = ${FLEET.scope} AND scope_id = ${FLEET.scope_id} FOR SHARE`.execute(db);
}

/** What every agent is told stays as it is but for the caller, in the order that everybody locks in. */
export async function lockAgents(db: Executor): Promise<void> {
  await sql`SELECT count(*) FROM
    (SELECT 1 FROM agents ORDER BY id FOR NO KEY UPDATE) AS locked`.execute(db);
}

/** Adds the version and puts it in force. */
export async function addVersion(db: Executor, ref: ScopeRef, entry: LayerVersion): Promise<void> {
  await db
    .insertInto('config_layers')
    .values({ ...ref, ...entry, document: JSON.stringify(entry.document) })
    .execute();
  await db
    .updateTable('config_heads')
    .set({ version: entry.version })
    .where('scope', '=', ref.scope)
    .where('scope_id', '=', ref.scope_id)
    .execute();
}

/** The scope is no more; its versions stay, so that numbers are never given twice. */
export async function dropHead(db: Executor, { scope, scope_id }: ScopeRef): Promise<void> {
  for (const table of ['config_heads', 'config_pins'] as const) {
    await db
      .deleteFrom(table)
      .where('scope', '=', scope)
      .where('scope_id', '=', scope_id)
      .execute();
  }
}

/** A version in force somewhere, without its document. */
export interface HeadRow {
  scope: Scope;
  scope_id: string;
  version: number;
  /** Null: never written. */
  hash: string | null;
  author: string | null;
  reason: string | null;
  created_at: Date | null;
  expires_at: Date | null;
  /** Of groups. */
  selector: string | null;
  priority: number | null;
}

/** Heads that concern these agents, or any: of the fleet, the environment, every group, and their own. */
export async function headsFor(
  db: Executor,
  environment: string,
  agentIds: readonly string[] | 'all',
): Promise<HeadRow[]> {
  const own =
    agentIds === 'all'
      ? sql<boolean>`h.scope IN ('agent', 'runtime')`
      : sql<boolean>`(h.scope IN ('agent', 'runtime') AND h.scope_id = ANY(${[...agentIds]}::text[]))`;
  const { rows } = await sql<HeadRow>`
    SELECT h.scope, h.scope_id, h.version, l.hash, l.author, l.reason, l.created_at, l.expires_at,
           g.selector, g.priority
    FROM config_heads h
    LEFT JOIN config_layers l USING (scope, scope_id, version)
    LEFT JOIN config_groups g ON h.scope = 'group' AND g.name = h.scope_id
    WHERE h.scope IN ('fleet', 'group')
       OR (h.scope = 'environment' AND h.scope_id = ${environment}) OR ${own}`.execute(db);
  return rows;
}

export interface PinRow extends HeadRow {
  agent_id: string;
}

export async function pinsFor(
  db: Executor,
  agentIds: readonly string[] | 'all',
): Promise<PinRow[]> {
  const whose =
    agentIds === 'all'
      ? sql<boolean>`true`
      : sql<boolean>`p.agent_id = ANY(${[...agentIds]}::text[])`;
  const { rows } = await sql<PinRow>`
    SELECT p.agent_id, p.scope, p.scope_id, p.version, l.hash, l.author, l.reason, l.created_at,
           l.expires_at, NULL AS selector, NULL AS priority
    FROM config_pins p LEFT JOIN config_layers l USING (scope, scope_id, version)
    WHERE ${whose}`.execute(db);
  return rows;
}

/** Documents of versions, each once, by the hash of their content. */
export async function documentsOf(
  db: Executor,
  wanted: readonly (ScopeRef & { version: number })[],
): Promise<{ hash: string; text: string }[]> {
  const { rows } = await sql<{ hash: string; text: string }>`
    SELECT l.hash, l.document::text AS text FROM config_layers l
    JOIN unnest(${wanted.map(({ scope }) => scope)}::text[],
                ${wanted.map(({ scope_id }) => scope_id)}::text[],
                ${wanted.map(({ version }) => version)}::bigint[]) AS w (scope, scope_id, version)
      USING (scope, scope_id, version)`.execute(db);
  return rows;
}

export async function addPins(
  db: Executor,
  { scope, scope_id }: ScopeRef,
  version: number,
  agentIds: readonly string[],
): Promise<void> {
  await sql`
    INSERT INTO config_pins (agent_id, scope, scope_id, version)
    SELECT id, ${scope}, ${scope_id}, ${version} FROM unnest(${[...agentIds]}::text[]) AS t (id)
    ON CONFLICT (agent_id, scope, scope_id) DO UPDATE SET version = excluded.version`.execute(db);
}

export async function removePins(
  db: Executor,
  { scope, scope_id }: ScopeRef,
  agentIds: readonly string[],
): Promise<void> {
  await db
    .deleteFrom('config_pins')
    .where('scope', '=', scope)
    .where('scope_id', '=', scope_id)
    .where(sql<boolean>`agent_id = ANY(${[...agentIds]}::text[])`)
    .execute();
}

/** Agents whose runtime layer has had its time, by id; `after` is the last one seen. */
export async function expiredRuntime(
  db: Executor,
  now: Date,
  limit: number,
  after = '',
): Promise<string[]> {
  const rows = await db
    .selectFrom('config_layers as l')
    .innerJoin('config_heads as h', (join) =>
      join
        .onRef('h.scope', '=', 'l.scope')
        .onRef('h.scope_id', '=', 'l.scope_id')
        .onRef('h.version', '=', 'l.version'),
    )
    .select('l.scope_id')
    .where('l.scope', '=', 'runtime')
    .where('l.scope_id', '>', after)
    .where('l.expires_at', '<=', now)
    .orderBy('l.scope_id')
    .limit(limit)
    .execute();
  return rows.map(({ scope_id }) => scope_id);
}

export interface SecretRow {
  owner: string;
  secret_id: string;
  path: string;
  sealed: string;
  created_at: Date;
  /** Null: of a layer. */
  draft_id: string | null;
}

export async function addSecrets(db: Executor, rows: readonly SecretRow[]): Promise<void> {
  if (rows.length > 0)
    await db
      .insertInto('config_secrets')
      .values([...rows])
      .execute();
}

/** By owner and id. */
export async function secretsOf(
  db: Executor,
  wanted: readonly { owner: string; id: string }[],
): Promise<SecretRow[]> {
  if (wanted.length === 0) return [];
  const { rows } = await sql<SecretRow>`
    SELECT s.* FROM config_secrets s
    JOIN unnest(${wanted.map(({ owner }) => owner)}::text[],
                ${wanted.map(({ id }) => id)}::text[]) AS w (owner, secret_id)
      USING (owner, secret_id)`.execute(db);
  return rows;
}
