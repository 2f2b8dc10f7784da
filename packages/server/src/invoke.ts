/** The one pipeline every call takes: authenticate, validate, authorise, run and audit, measure. */
import { check, type Fault, faultsOf } from '@opmas/protocol';
import type { TSchema } from 'typebox';
import { type Refusals, recordAudit } from './features/audit/index.ts';
import { ANONYMOUS, type AuthService, mayDo, unauthenticated } from './features/auth/index.ts';
import { databaseAway, isDatabaseAway, isDataFault } from './kernel/database-away.ts';
import { messageOf, OpmasError } from './kernel/errors.ts';
import type { Logger } from './kernel/logger.ts';
import type { Call, Caller, Operation } from './operation.ts';
import type { Database } from './platform/ports.ts';

export interface Request {
  /** Bearer token, when one came. */
  token: string | undefined;
  params: unknown;
  /** Reads the rest; asked only for a caller who may make the call, and may throw what is wrong with it. */
  input(): CallInput;
  remote: string;
  requestId: string;
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
  logger: Logger;
  refusals: Refusals;
  /** After the commit of every write: what others must hear of is sent now. */
  afterWrite(): void;
  /** Seconds a call took, by operation and outcome (`ok` or the error's code). */
  measure(operationId: string, outcome: string, seconds: number): void;
}

type AuditFields = Parameters<Call['audit']>[0];

export function createInvoke(options: InvokeOptions): Invoke {
  const { database, auth, logger, refusals, afterWrite, measure } = options;

  const audit = async (
    db: Call['db'],
    operation: Operation,
    request: Request,
    caller: Caller,
    fields: AuditFields,
  ) =>
    recordAudit(db, {
      caller,
      action: operation.id,
      object: fields.object ?? firstParam(request.params),
      outcome: 'ok',
      details: fields.details,
      remote: request.remote,
      requestId: request.requestId,
    });

  /** What was committed stands, whatever becomes of its effects. */
  function runEffect(operation: Operation, effect: () => void): void {
    try {
      effect();
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
    caller: Caller,
  ): Promise<unknown> {
    const effects: (() => void)[] = [];
    let fields: AuditFields = {};
    const call = (db: Call['db']): Call => ({
      caller,
      requestId: request.requestId,
      remote: request.remote,
      db,
      afterCommit: (effect) => void effects.push(effect),
      audit: (added) => {
        fields = { ...fields, ...added };
      },
    });
    const input = {
      params: request.params as never,
      query: given.query as never,
      body: given.body as never,
      ...(given.ifMatch === undefined ? {} : { ifMatch: given.ifMatch }),
      ...(given.contentType === undefined ? {} : { contentType: given.contentType }),
    };
    let answer: unknown;
    if (operation.effect === 'write') {
      answer = await database.transaction(async (tx) => {
        const result = await operation.run(input, call(tx));
        await audit(tx, operation, request, caller, fields);
        return result;
      });
      afterWrite();
    } else answer = await operation.run(input, call(database.pool));
    for (const effect of effects) runEffect(operation, effect);
    return answer;
  }

  return async (operation, request) => {
    const started = performance.now();
    const done = (outcome: string) =>
      measure(operation.id, outcome, (performance.now() - started) / 1_000);
    let caller: Caller = ANONYMOUS;
    try {
      caller = await authenticate(auth, operation, request);
      authorise(operation, request, caller);
      const input = request.input();
      validate(operation, request.params, input);
      const answer = await run(operation, request, input, caller);
      done('ok');
      return answer;
    } catch (thrown) {
      const error = asOpmasError(thrown);
      done(error.code);
      if (isRefusal(error)) {
        refusals.note({
          caller,
          action: operation.id,
          object: firstParam(request.params),
          remote: request.remote,
          requestId: request.requestId,
          code: error.code,
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
  return (await auth.authenticate(request.token)).caller;
}

/** Denies by default: a role must grant it, or it is the agent's own. */
function authorise(operation: Operation, request: Request, caller: Caller): void {
  if (operation.permission === 'open' || operation.permission === 'self') return;
  if (caller.kind === 'agent') {
    const own = operation.agentOwn;
    const target = own === undefined ? undefined : param(request.params, own);
    if (own !== undefined && target === caller.id) return;
  } else if (mayDo(caller, operation.permission)) return;
  throw new OpmasError('OPMAS_FORBIDDEN', `This needs the permission ${operation.permission}`);
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
  return error.status === 401 || error.status === 403;
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
  if (isDataFault(thrown)) {
    return new OpmasError(
      'OPMAS_INVALID_FORMAT',
      'A value cannot be stored or compared: text with NUL, a time or number out of range, or too long',
      { cause: thrown },
    );
  }
  return new OpmasError('OPMAS_INTERNAL', 'Something went wrong on our side', { cause: thrown });
}
