/** The outside world as features see it: small interfaces, filled in by app.ts alone. */
import type { Kysely, Transaction } from 'kysely';
import type { Tables } from './database/tables.ts';

/** Runs queries: the pool, or a transaction in progress. */
export type Executor = Kysely<Tables> | Transaction<Tables>;

export interface Database {
  /** Outside a transaction. */
  readonly pool: Kysely<Tables>;
  /** Commits when `work` returns, rolls back when it throws. */
  transaction<T>(work: (tx: Transaction<Tables>) => Promise<T>): Promise<T>;
  /** Answers within `timeoutMs`, or throws. */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/** A cache that may forget anything at any time; a failing one is a miss. */
export interface Cache {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}

export type { Tables } from './database/tables.ts';
