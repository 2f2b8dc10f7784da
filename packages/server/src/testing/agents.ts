/** Agents that are only rows: for tests of who may see and do what. */
import { randomUUID } from 'node:crypto';
import { sql } from '../kernel/sql.ts';
import type { Database } from '../platform/ports.ts';

/** Adds a registered agent of `type` without package or process; answers its id. */
export async function addAgent(
  database: Database,
  type: string,
  tags: readonly string[] = [],
): Promise<string> {
  const unique = randomUUID();
  const id = `${type}-${unique}`;
  await sql`INSERT INTO agents (id, name, type, version, status, tags, host_id, package_path, created_at, updated_at)
    VALUES (${id}, ${`${type}_${unique.slice(0, 8)}`}, ${type}, '1.0.0', 'registered', ${[...tags]}, 'local', ${`/agents/${id}`}, now(), now())`.execute(
    database.pool,
  );
  return id;
}
