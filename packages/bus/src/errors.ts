/** Errors of the bus: one class, codes of the protocol's error table, the library's error as cause. */

import { errors } from '@nats-io/transport-node';
import type { ErrorCode } from '@opmas/protocol';
import { withPlainApi } from './trust/api-prefix.ts';

/** `code` is what a program may rely on; `message` says what, where and how to fix it. */
export class BusError extends Error {
  override readonly name = 'BusError';
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(withPlainApi(message), options);
    this.code = code;
  }
}

/** Is the failed thing worth trying again unchanged? */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof BusError &&
    (error.code === 'OPMAS_BROKER_UNAVAILABLE' || error.code === 'OPMAS_TIMEOUT')
  );
}

/** Translates what the NATS library throws. `what` names the operation, for the message. */
export function toBusError(what: string, error: unknown): BusError {
  if (error instanceof BusError) return error;
  const options = { cause: error };
  const text = error instanceof Error ? error.message : String(error);
  const violation = causeOf(error, errors.PermissionViolationError);
  if (violation !== undefined) {
    return new BusError(
      'OPMAS_FORBIDDEN',
      `${what}: the broker refuses ${violation.operation} on ${violation.subject}`,
      options,
    );
  }
  if (isAuthError(error)) {
    return new BusError(
      'OPMAS_UNAUTHENTICATED',
      `${what}: the broker refuses these credentials (${text})`,
      options,
    );
  }
  if (isNoResponders(error)) {
    return new BusError('OPMAS_BROKER_UNAVAILABLE', `${what}: nobody answers there`, options);
  }
  if (causeOf(error, errors.TimeoutError) !== undefined) {
    return new BusError('OPMAS_TIMEOUT', `${what}: no answer in time`, options);
  }
  if (isApiError(error)) return fromApiError(what, error.status, error.message, error);
  if (error instanceof errors.InvalidArgumentError || error instanceof errors.InvalidSubjectError) {
    return new BusError('OPMAS_INVALID_REQUEST', `${what}: ${text}`, options);
  }
  return new BusError('OPMAS_BROKER_UNAVAILABLE', `${what}: ${text}`, options);
}

/** A JetStream answer with an `error` member. */
export function fromApiError(
  what: string,
  status: number,
  description: string,
  cause?: unknown,
): BusError {
  const options = cause === undefined ? undefined : { cause };
  const message = `${what}: ${description}`;
  if (status === 404) return new BusError('OPMAS_NOT_FOUND', message, options);
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
    return new BusError('OPMAS_INVALID_REQUEST', message, options);
  }
  return new BusError('OPMAS_BROKER_UNAVAILABLE', message, options);
}

export function isAuthError(error: unknown): boolean {
  return (
    causeOf(error, errors.AuthorizationError) !== undefined ||
    causeOf(error, errors.UserAuthenticationExpiredError) !== undefined
  );
}

export function isNoResponders(error: unknown): boolean {
  return causeOf(error, errors.NoRespondersError) !== undefined;
}

/** Told by its shape, so that who needs no JetStream administration does not load its library. */
function isApiError(error: unknown): error is Error & { status: number } {
  return (
    error instanceof Error &&
    'apiError' in error &&
    'status' in error &&
    typeof error.status === 'number'
  );
}

function causeOf<T extends Error>(
  error: unknown,
  kind: new (...args: never[]) => T,
): T | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (at instanceof kind) return at;
  }
  return undefined;
}
