/** An operation as data: what REST, and later GraphQL, gRPC, MCP and the CLI, are projections of. */
import type { Static, TObject, TSchema } from 'typebox';
import type { Executor } from './platform/ports.ts';

/** Who calls: a person, an agent, the owner of the data folder, or nobody yet. */
export interface Caller {
  kind: 'user' | 'agent' | 'local' | 'anonymous';
  /** User id, agent id, or a fixed word. */
  id: string;
  name: string;
  roles: readonly string[];
}

/** What accompanies one call. */
export interface Call {
  caller: Caller;
  requestId: string;
  remote: string;
  /** The transaction of a write; the pool otherwise. */
  db: Executor;
  /** Runs after the commit (after the answer is decided, before it is sent); must not throw. */
  afterCommit(effect: () => void): void;
  /** What the audit row shall say beside who, what and outcome. */
  audit(fields: { object?: string; details?: Record<string, unknown> }): void;
}

export type Effect = 'read' | 'write' | 'external';
export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface OperationSpec<
  P extends TObject = TObject,
  Q extends TObject = TObject,
  B extends TSchema = TSchema,
  O extends TSchema = TSchema,
> {
  /** Permanent id: `agents.get`. */
  id: string;
  summary: string;
  kind: 'unary' | 'stream';
  /** read: no transaction · write: one transaction with its audit row · external: manages its own. */
  effect: Effect;
  /** `resource:action`, or `open` for what needs no token. */
  permission: string;
  /** May an agent call it for itself? Names the path parameter that holds its id. */
  agentOwn?: string;
  rest: {
    method: Method;
    /** Below `/api/v1`, parameters in braces. */
    path: string;
    status?: number;
    /** The body is not JSON: the door hands over the bytes and the content type. */
    rawBody?: { bytes: number; types: readonly string[] };
    /** Adds response headers from the answer and reads request headers into the input. */
    etag?: boolean;
    /** Calls a minute from one address, for what guesses could abuse. */
    limitPerMinute?: number;
    tag: string;
  };
  params?: P;
  query?: Q;
  body?: B;
  /** Absent: the answer has no body (204). */
  output?: O;
}

/** Input of an operation, already validated. `ifMatch` is the version of an If-Match header. */
export interface Input<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  ifMatch?: number;
  contentType?: string;
}

export interface Operation extends OperationSpec {
  run(input: Input<never, never, never>, call: Call): Promise<unknown>;
}

/** Ties the types of an operation's input and answer to its schemas. */
export function operation<
  P extends TObject,
  Q extends TObject,
  B extends TSchema,
  O extends TSchema,
>(
  spec: OperationSpec<P, Q, B, O> & {
    run(input: Input<Static<P>, Static<Q>, Static<B>>, call: Call): Promise<Static<O>>;
  },
): Operation {
  return spec as unknown as Operation;
}
