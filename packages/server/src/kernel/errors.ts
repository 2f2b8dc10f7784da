/** The one error class the server throws on purpose: a code of the table, a public text, maybe a cause. */
import { ERRORS, type ErrorCode, type Fault } from '@opmas/protocol';

export interface ErrorOptions {
  /** Faults of an input, by path. */
  errors?: readonly Fault[];
  /** Seconds after which trying again makes sense (429, 503). */
  retryAfter?: number;
  /** What only the log may say. */
  internal?: string;
  /** What was shown proves nothing at all, unlike what has ended: counted against guessing. */
  isGuess?: boolean;
  /** The job that stands in the way, for who wants to go to it. */
  jobId?: string;
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
  readonly isGuess: boolean;
  readonly jobId: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = ERRORS[code].status;
    this.errors = options.errors ?? [];
    this.retryAfter = options.retryAfter;
    this.internal = options.internal;
    this.isGuess = options.isGuess === true;
    this.jobId = options.jobId;
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
