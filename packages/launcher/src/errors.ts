/** What can go wrong when OPMAS is started or stopped: a code for programs, a sentence and a fix for people. */
export type LaunchErrorCode =
  | 'data_dir_locked'
  | 'data_dir_unusable'
  | 'postgres_missing'
  | 'postgres_failed'
  | 'nats_missing'
  | 'nats_failed'
  | 'port_taken'
  | 'tls_failed'
  | 'child_failed'
  | 'child_config'
  | 'stop_timeout';

/** `message` says what and where; `fix` is the next thing to do. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
  readonly code: LaunchErrorCode;
  readonly fix: string;

  constructor(code: LaunchErrorCode, message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.fix = fix;
  }
}

/** The system error code (`ENOENT`, …) of anything thrown, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return undefined;
}

/** A sentence for anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
