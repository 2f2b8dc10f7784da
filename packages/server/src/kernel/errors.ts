/** The one error class the server throws on purpose: a code of the table, a public text, maybe a cause. */
import { ERRORS, type ErrorCode, type Fault } from '@opmas/protocol';

export interface ErrorOptions {
  /** Faults of an input, by path. */
  errors?: readonly Fault[];
  /** Seconds after which trying again makes sense (429, 503). */
  retryAfter?: number;
  /** What only the log may say. */
  internal?: string;
  cause?: unknown;
}

/** `message` is public; `internal` and `cause` go to the log only. */
export class OpmasError extends Error {
  override readonly name = 'OpmasError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly errors: readonly Fault[];
  readonly retryAfter: number | undefined;
  readonly internal: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = ERRORS[code].status;
    this.errors = options.errors ?? [];
    this.retryAfter = options.retryAfter;
    this.internal = options.internal;
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
