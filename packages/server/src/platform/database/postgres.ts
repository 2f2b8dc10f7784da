/** PostgreSQL through `pg` and Kysely: pooled, every statement prepared by name. */
import type { PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { messageOf } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import { Kysely, PostgresDialect, sql } from '../../kernel/sql.ts';
import type { Database } from '../ports.ts';
import type { Tables } from './tables.ts';

/** int8 counts and sequences stay below 2^53 here; a string would leak into every sum. */
const INT8 = 20;
/** Statement texts that may be kept prepared; beyond it (never with fixed queries) they run unnamed. */
const MAX_PREPARED = 500;

export interface PostgresOptions {
  url: string;
  logger: Logger;
  connections?: number;
  applicationName?: string;
}

/** Opens a pool; the first query connects. Connection loss is logged and healed by the pool. */
export function openPostgres(options: PostgresOptions): Database {
  const { logger } = options;
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connections ?? limits.databaseConnections,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    statement_timeout: limits.statementTimeoutMs,
    query_timeout: limits.statementTimeoutMs + 5_000,
    application_name: options.applicationName ?? 'opmas-server',
    types: { getTypeParser: typeParser },
  });
  pool.on('error', (error) => logger.warn({ err: messageOf(error) }, 'database connection lost'));
  // The pool listens to idle connections alone. One in use that is lost rejects its statement, and may
  // report several errors besides: with nobody to hear them the process would end.
  pool.on('connect', (client) => client.on('error', () => {}));

  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    let name = names.get(text);
    if (name === undefined && names.size < MAX_PREPARED) {
      name = `q${names.size}`;
      names.set(text, name);
    }
    return name;
  };
  const kysely = new Kysely<Tables>({
    dialect: new PostgresDialect({
      pool: {
        connect: async () => named(await pool.connect(), nameOf),
        end: () => pool.end(),
        options: pool.options,
      },
    }),
  });
  return {
    pool: kysely,
    transaction: (work) => kysely.transaction().execute(work),
    ping: async (timeoutMs) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      });
      try {
        await Promise.race([sql`SELECT 1`.execute(kysely), late]);
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => kysely.destroy(),
  };
}

/** Statements with parameters run under a name: the server parses and plans each text once. */
function named(
  client: pg.PoolClient,
  nameOf: (text: string) => string | undefined,
): PostgresPoolClient {
  const query = async (text: unknown, parameters?: readonly unknown[]) => {
    if (typeof text !== 'string') throw new Error('streaming queries are not used');
    const values = parameters === undefined ? [] : [...parameters];
    const name = values.length > 0 ? nameOf(text) : undefined;
    return client.query(name === undefined ? { text, values } : { name, text, values });
  };
  return {
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy) => client.release(destroy),
  };
}

function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === INT8) return Number;
  return pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown;
}
