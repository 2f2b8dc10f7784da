/** An operation as data: what REST, and later GraphQL, gRPC, MCP and the CLI, are projections of. */
import type { Static, TObject, TSchema } from 'typebox';
import type { Grant, Permission, Reach } from './kernel/grants.ts';
import type { Executor } from './platform/ports.ts';

/** Who calls: a person, a script's token, an agent, the owner of the data folder, or nobody yet. */
export interface Caller {
  kind: 'user' | 'token' | 'agent' | 'local' | 'anonymous';
  /** User id, token id, agent id, or a fixed word. */
  id: string;
  name: string;
  roles: readonly string[];
  /** What the roles grant now. Agents have none: they reach only what is their own. */
  grants: readonly Grant[];
  /** The session of a person. */
  sessionId?: string;
}

/** What a call adds to its audit row. Secrets are masked before they are written. */
export interface AuditFields {
  object?: string;
  details?: Record<string, unknown>;
  /** What was changed, as it was and as it is. */
  before?: unknown;
  after?: unknown;
}

/** What follows a commit. */
export type AfterCommit = () => void | Promise<void>;

/** What accompanies one call. */
export interface Call {
  caller: Caller;
  requestId: string;
  /** Address of the caller's side of the connection. */
  remote: string;
  userAgent?: string;
  /** The agents this call may touch; an operation of scope `reach` must keep to it. */
  reach: Reach;
  /** The transaction of a write; the pool otherwise. */
  db: Executor;
  /**
   * Runs after the commit, and ends before the answer is sent; what the caller does next finds it done.
   * What fails is logged: what was committed stands.
   */
  afterCommit(effect: AfterCommit): void;
  /** What the audit row shall say beside who, what and outcome. */
  audit(fields: AuditFields): void;
  /**
   * For `external`: one transaction with its audit row, for what follows slow work (a password is hashed,
   * another server asked) that must not hold a connection of the database meanwhile.
   */
  commit<T>(work: (tx: Executor) => Promise<T>): Promise<T>;
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
  /** `open` needs no token; `self` any caller who is signed in; `person` a user, about themselves. */
  permission: Permission | 'open' | 'self' | 'person';
  /**
   * What a grant limited to some agents is worth here. `agent`: the path parameter `agent_id` must be
   * within reach; `reach`: `run` keeps to `call.reach`; absent: nothing, only an unlimited grant counts.
   */
  scope?: 'agent' | 'reach';
  /**
   * May an agent call it for itself? `agent_id`: when the path parameter is its own id; `reach`: `run`
   * keeps to `call.reach`, which is then the agent alone.
   */
  agentOwn?: 'agent_id' | 'reach';
  rest: {
    method: Method;
    /** Below `/api/v1`, parameters in braces. */
    path: string;
    status?: number;
    /** The body is not JSON: the door hands over the bytes and the content type. */
    rawBody?: { bytes: number; types: readonly string[] };
    /** Adds response headers from the answer and reads request headers into the input. */
    etag?: boolean;
    /**
     * A refresh token may come and go in a cookie that no script reads: taken when the body has none,
     * given instead of one in the answer when it came so, or when the body says `cookie: true`.
     */
    refreshCookie?: true;
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
