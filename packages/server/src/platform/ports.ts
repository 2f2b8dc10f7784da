/** The outside world as features see it: small interfaces, filled in by app.ts alone. */
import type { ControlMessage, DesiredAgent } from '@opmas/protocol';
import type { Kysely, Transaction } from 'kysely';
import type { Grant } from '../kernel/grants.ts';
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

/**
 * What these roles grant now, of those that exist: for deciding who is given them. Within a transaction none
 * of them changes or goes before it ends.
 */
export type RolesNow = (
  db: Executor,
  names: readonly string[],
) => Promise<ReadonlyMap<string, readonly Grant[]>>;

/** A cache that may forget anything at any time; a failing one is a miss. */
export interface Cache {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}

/** So many a minute in the long run, and so many at once. */
export interface Rate {
  perMinute: number;
  burst: number;
}

/** Counts what callers use up. */
export interface RateLimiter {
  /** Takes one of `key`'s: 0 when there was one, otherwise the milliseconds until there is. Never rejects. */
  take(key: string, rate: Rate): Promise<number>;
  close(): Promise<void>;
}

/** 32 bytes: an HMAC key or an Ed25519 seed. */
export interface NamedKey {
  id: string;
  bytes: Uint8Array;
  /** Milliseconds since 1970. */
  createdAt: number;
}

/** Keys by name, kept sealed in the database under the master key. */
export interface KeyChain {
  /**
   * The first one signs, all of them verify. Made at the first call; the same on every replica. From
   * memory after that, so it answers while the database is away.
   */
  keys(name: 'access-token' | 'audit-seal' | 'audit-checkpoint'): Promise<readonly NamedKey[]>;
}

/** A column of sealed text. A rotation of the master key finds what it must rewrap by these. */
export interface SealedColumn {
  table: string;
  /** Columns that name a row; a sealed value opens in its own row only. */
  key: readonly string[];
  column: string;
}

/** Secrets in the database: sealed before they are stored, opened when they are used. */
export interface Vault {
  /**
   * Seals for the row with these key values. `db` must be the transaction that stores the result: a
   * rotation of the master key waits for it.
   */
  seal(
    db: Executor,
    column: SealedColumn,
    key: readonly string[],
    plain: string | Uint8Array,
  ): Promise<string>;
  /** @throws {OpmasError} OPMAS_SECRET_UNREADABLE when it was changed or moved, or its key is missing */
  open(column: SealedColumn, key: readonly string[], sealed: string): Uint8Array;
  openText(column: SealedColumn, key: readonly string[], sealed: string): string;
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
  /**
   * As `control`, and each instance's answer goes to the listeners of `onAnswer` under `id` (one token).
   * @throws {OpmasError} OPMAS_TOO_LARGE for what the broker will never take
   */
  ask(agentName: string, id: string, message: ControlMessage): void;
  /** `answer` is undefined when nobody listens. Ends with the returned function. */
  onAnswer(listener: (id: string, answer: unknown) => void): () => Promise<void>;
  /** Takes away what the agent reads a topic with. @returns the messages it had not read */
  dropConsumer(agentName: string, topic: string): Promise<number>;
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

/** A message of log events, as the broker keeps it. */
export interface RecordedMessage {
  subject: string;
  data: Uint8Array;
  /** Its place among all recorded events. */
  seq: number;
  /** When it was stored, in milliseconds since the epoch. */
  storedAt: number;
}

/**
 * What the broker keeps of log events, read beside the agents: nobody's position moves.
 * @throws {BusError} OPMAS_BROKER_UNAVAILABLE, OPMAS_TIMEOUT from each step of the iteration
 */
export interface RecordedEvents {
  /** The newest messages of these topics, oldest first: those that reach `events` events or `bytes`, if they do. */
  newest(
    topics: readonly string[],
    bounds: { events: number; bytes: number },
  ): AsyncIterable<readonly RecordedMessage[]>;
  /** What was stored from `from` on and before `to`, oldest first. */
  between(
    topics: readonly string[],
    range: { from: number; to: number },
  ): AsyncIterable<readonly RecordedMessage[]>;
}

export type { Tables } from './database/tables.ts';
