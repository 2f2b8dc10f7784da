/** The one pipeline every call takes: authenticate, validate, authorise, run and audit, measure. */
import { check, type Fault, faultsOf } from '@opmas/protocol';
import type { TSchema } from 'typebox';
import type { AuditLog, Refusals } from './features/audit/index.ts';
import { ANONYMOUS, type AuthService, unauthenticated } from './features/auth/index.ts';
import {
  databaseAway,
  isContended,
  isDatabaseAway,
  isDataFault,
  isTooSlow,
} from './kernel/database-away.ts';
import { messageOf, OpmasError } from './kernel/errors.ts';
import { type AgentFacts, type Reach, reaches, reachOf } from './kernel/grants.ts';
import type { Logger } from './kernel/logger.ts';
import type { AfterCommit, AuditFields, Call, Caller, Operation } from './operation.ts';
import type { Database } from './platform/ports.ts';

export interface Request {
  /** Bearer token, when one came. */
  token: string | undefined;
  params: unknown;
  /** Reads the rest; asked only for a caller who may make the call, and may throw what is wrong with it. */
  input(caller: Caller): CallInput | Promise<CallInput>;
  remote: string;
  userAgent?: string | undefined;
  requestId: string;
  /** Asked once it is known who calls, before anything is done for them; throws when they call too often. */
  admit?(caller: Caller): Promise<void>;
  /** Told of a token that proves nothing; throws when there are too many of them. */
  guessed?(): Promise<void>;
}

export interface CallInput {
  query: unknown;
  body: unknown;
  ifMatch?: number;
  contentType?: string;
}

export type Invoke = (operation: Operation, request: Request) => Promise<unknown>;

export interface InvokeOptions {
  database: Database;
  auth: AuthService;
  audit: AuditLog;
  logger: Logger;
  refusals: Refusals;
  /** What selectors need to know of an agent; undefined when there is none. */
  agentFacts(agentId: string): Promise<AgentFacts | undefined>;
  /** After the commit of every write: what others must hear of is sent now. */
  afterWrite(): void;
  /** Seconds a call took, by operation and outcome (`ok` or the error's code). */
  measure(operationId: string, outcome: string, seconds: number): void;
}

export function createInvoke(options: InvokeOptions): Invoke {
  const { database, auth, audit, logger, refusals, agentFacts, afterWrite, measure } = options;

  const record = (
    db: Call['db'],
    operation: Operation,
    request: Request,
    caller: Caller,
    fields: AuditFields,
  ) =>
    audit.record(db, {
      caller,
      action: operation.id,
      object: fields.object ?? firstParam(request.params),
      outcome: 'ok',
      details: fields.details,
      before: fields.before,
      after: fields.after,
      remote: request.remote,
      userAgent: request.userAgent,
      requestId: request.requestId,
    });

  /** What was committed stands, whatever becomes of its effects. */
  async function runEffect(operation: Operation, effect: AfterCommit): Promise<void> {
    try {
      await effect();
    } catch (error) {
      logger.error(
        { operation: operation.id, err: messageOf(error) },
        'effect after commit failed',
      );
    }
  }

  async function run(
    operation: Operation,
    request: Request,
    given: CallInput,
    { caller, reach, fields }: Allowed & { fields: AuditFields },
  ): Promise<unknown> {
    const effects: AfterCommit[] = [];
    const commit: Call['commit'] = async (work) => {
      const before = effects.length;
      try {
        return await database.transaction(async (tx) => {
          const result = await work(tx);
          await record(tx, operation, request, caller, fields);
          return result;
        });
      } catch (error) {
        effects.length = before;
        throw error;
      }
    };
    const call = (db: Call['db']): Call => ({
      caller,
      reach,
      requestId: request.requestId,
      remote: request.remote,
      ...(request.userAgent === undefined ? {} : { userAgent: request.userAgent }),
      db,
      afterCommit: (effect) => void effects.push(effect),
      audit: (added) => void Object.assign(fields, added),
      commit,
    });
    const input = {
      params: request.params as never,
      query: given.query as never,
      body: given.body as never,
      ...(given.ifMatch === undefined ? {} : { ifMatch: given.ifMatch }),
      ...(given.contentType === undefined ? {} : { contentType: given.contentType }),
    };
    try {
      if (operation.effect !== 'write') return await operation.run(input, call(database.pool));
      const answer = await commit((tx) => operation.run(input, call(tx)));
      afterWrite();
      return answer;
    } finally {
      // Also when something failed after a commit: what is left here was committed.
      for (const effect of effects) await runEffect(operation, effect);
    }
  }

  return async (operation, request) => {
    const started = performance.now();
    const done = (outcome: string) =>
      measure(operation.id, outcome, (performance.now() - started) / 1_000);
    let caller: Caller = ANONYMOUS;
    const fields: AuditFields = {};
    let allowed = false;
    try {
      caller = await authenticate(auth, operation, request);
      await request.admit?.(caller);
      const reach = await authorise(operation, request, caller, agentFacts);
      allowed = operation.permission !== 'open';
      const input = await request.input(caller);
      validate(operation, request.params, input);
      const answer = await run(operation, request, input, { caller, reach, fields });
      done('ok');
      return answer;
    } catch (thrown) {
      const error = asOpmasError(thrown);
      done(error.code);
      // What was allowed and came to nothing is on record too, but where the record itself is out of reach.
      const failed = allowed && operation.effect !== 'read' && error.status !== 503;
      if (isRefusal(error) || failed) {
        refusals.note({
          caller,
          action: operation.id,
          // Of what came too often one row, whatever it was about: a limit must not cost more than the call.
          object: error.status === 429 ? undefined : (fields.object ?? firstParam(request.params)),
          remote: request.remote,
          userAgent: request.userAgent,
          requestId: request.requestId,
          code: error.code,
          outcome: isRefusal(error) ? 'refused' : 'failed',
        });
      }
      throw error;
    }
  };
}

async function authenticate(
  auth: AuthService,
  operation: Operation,
  request: Request,
): Promise<Caller> {
  if (operation.permission === 'open') return ANONYMOUS;
  if (request.token === undefined) {
    throw unauthenticated('Sign in first: send `Authorization: Bearer <access token>`');
  }
  try {
    return (await auth.authenticate(request.token)).caller;
  } catch (error) {
    // Only after the token was judged: whoever has a good one is let in, whatever others try from there.
    if (error instanceof OpmasError && error.isGuess) await request.guessed?.();
    throw error;
  }
}

interface Allowed {
  caller: Caller;
  reach: Reach;
}

/** Denies by default: a grant must cover it, for this agent, or it is the agent's own. */
async function authorise(
  operation: Operation,
  request: Request,
  caller: Caller,
  agentFacts: InvokeOptions['agentFacts'],
): Promise<Reach> {
  const { permission, scope, agentOwn } = operation;
  if (permission === 'open' || permission === 'self') return [];
  if (permission === 'person') {
    if (caller.kind === 'user') return [];
    throw new OpmasError('OPMAS_FORBIDDEN', 'This is for people who have signed in');
  }
  const refused = () =>
    new OpmasError('OPMAS_FORBIDDEN', `This needs the permission ${permission}`);
  if (caller.kind === 'agent') {
    const isOwn = agentOwn === 'agent_id' && param(request.params, 'agent_id') === caller.id;
    if (isOwn || agentOwn === 'reach') return [{ ids: [caller.id] }];
    throw refused();
  }
  const reach = reachOf(caller.grants, permission);
  if (reach === undefined) throw refused();
  if (reach === 'all' || scope === 'reach') return reach;
  if (scope === 'agent') {
    const id = param(request.params, 'agent_id');
    const facts = typeof id === 'string' ? await agentFacts(id) : undefined;
    // An agent that does not exist is out of reach like any other: nobody learns which ids there are.
    if (facts !== undefined && reaches(reach, facts)) return reach;
  }
  throw refused();
}

function validate(operation: Operation, params: unknown, input: CallInput): void {
  const faults: Fault[] = [];
  const look = (schema: TSchema | undefined, value: unknown) => {
    if (schema !== undefined && !check(schema, value)) faults.push(...faultsOf(schema, value));
  };
  look(operation.params, params);
  look(operation.query, input.query);
  if (operation.rest.rawBody === undefined) look(operation.body, input.body);
  if (faults.length === 0) return;
  const first = faults[0];
  const where = first?.path ? `${first.path}: ` : '';
  throw new OpmasError('OPMAS_INVALID_REQUEST', `${where}${first?.message ?? 'not valid'}`, {
    errors: faults,
  });
}

function isRefusal(error: OpmasError): boolean {
  return error.status === 401 || error.status === 403 || error.status === 429;
}

function param(params: unknown, name: string): unknown {
  return typeof params === 'object' && params !== null
    ? (params as Record<string, unknown>)[name]
    : undefined;
}

function firstParam(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null) return undefined;
  const first: unknown = Object.values(params)[0];
  return typeof first === 'string' ? first : undefined;
}

/** Anything thrown, as a coded error; what nobody foresaw is OPMAS_INTERNAL with the cause kept. */
export function asOpmasError(thrown: unknown): OpmasError {
  if (thrown instanceof OpmasError) return thrown;
  if (isDatabaseAway(thrown)) return databaseAway(thrown);
  if (isContended(thrown)) {
    return new OpmasError('OPMAS_UNAVAILABLE', 'Others change the same at this moment; try again', {
      retryAfter: 1,
      cause: thrown,
    });
  }
  if (isTooSlow(thrown)) {
    return new OpmasError('OPMAS_TIMEOUT', 'The database took too long; ask for less at once', {
      cause: thrown,
    });
  }
  if (isDataFault(thrown)) {
    return new OpmasError(
      'OPMAS_INVALID_FORMAT',
      'A value cannot be stored or compared: text with NUL, a time or number out of range, or too long',
      { cause: thrown },
    );
  }
  return new OpmasError('OPMAS_INTERNAL', 'Something went wrong on our side', { cause: thrown });
}
