/** The outside world as features see it: small interfaces, filled in by app.ts alone. */
import type { ControlMessage, DesiredAgent } from '@opmas/protocol';
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

/** The broker, as far as the domain needs it. */
export interface Broker {
  /** Makes everything the server keeps on the broker; again after the broker lost its store. */
  prepare(): Promise<void>;
  /** Makes sure an agent can read each of its topics; positions of existing consumers are kept. */
  ensureConsumers(agentName: string, topics: readonly string[]): Promise<void>;
  /** Forgets the agent's consumers but those of `keep`. */
  removeConsumers(agentName: string, keep: readonly string[]): Promise<void>;
  /** Sends a command to every instance of an agent; lost when none listens. */
  control(agentName: string, message: ControlMessage): void;
  /** Tells a host what to run; undefined: stop and forget. */
  setDesired(hostId: string, agentId: string, desired: DesiredAgent | undefined): Promise<void>;
  /** Agent ids a host was told of. */
  desiredKeys(hostId: string): Promise<string[]>;
  /**
   * Published in the FEED stream once, however often it is called with the same id.
   * @throws {OpmasError} OPMAS_TOO_LARGE for what the broker will never take
   */
  publishFeed(subject: string, data: string, msgId: string): Promise<void>;
  isUp(): boolean;
}

export type { Tables } from './database/tables.ts';
