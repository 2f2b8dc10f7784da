/** A reach as an SQL condition on the columns of an agent: lists never show what is out of reach. */
import type { RawBuilder } from 'kysely';
import type { AgentSelector, Reach } from './grants.ts';
import { sql } from './sql.ts';

/** @param alias of the agents table in the query; our own text, never input */
export function withinReach(reach: Reach, alias: string): RawBuilder<boolean> {
  if (reach === 'all') return sql<boolean>`true`;
  if (reach.length === 0) return sql<boolean>`false`;
  const table = sql.table(alias);
  const conditions = reach.map((selector) => condition(selector, table));
  return sql<boolean>`(${sql.join(conditions, sql` OR `)})`;
}

function condition({ ids, types, tags }: AgentSelector, table: RawBuilder<unknown>) {
  const parts = [
    ...(ids === undefined ? [] : [sql`${table}.id = ANY(${[...ids]}::text[])`]),
    ...(types === undefined ? [] : [sql`${table}.type = ANY(${[...types]}::text[])`]),
    ...(tags === undefined ? [] : [sql`${table}.tags && ${[...tags]}::text[]`]),
  ];
  return parts.length === 0 ? sql`true` : sql`(${sql.join(parts, sql` AND `)})`;
}

/** The same for a column that holds an agent's id in a table of its own. */
export function agentWithinReach(reach: Reach, column: string): RawBuilder<boolean> {
  if (reach === 'all') return sql<boolean>`true`;
  return sql<boolean>`EXISTS (SELECT 1 FROM agents reached
    WHERE reached.id = ${sql.ref(column)} AND ${withinReach(reach, 'reached')})`;
}
