/** Errors of the keyring: one class, codes of the protocol's error table, and the next thing to do. */
import type { ErrorCode } from '@opmas/protocol';

/** `message` is `what` (what is wrong, and where) and `fix` (how to mend it); none ever holds a secret. */
export class KeyringError extends Error {
  override readonly name = 'KeyringError';
  readonly code: ErrorCode;
  readonly what: string;
  readonly fix: string;

  constructor(code: ErrorCode, what: string, fix: string, options?: ErrorOptions) {
    super(`${what}. ${fix}.`, options);
    this.code = code;
    this.what = `${what}.`;
    this.fix = `${fix}.`;
  }
}

/** The system error code (`ENOENT`, …) of anything thrown, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return undefined;
}
