/** Everything that ends a command early: an exit code for scripts, a sentence and a fix for people. */
import type { ErrorCode, Problem } from '@opmas/protocol';
import { EXIT, type ExitCode } from './exit-codes.ts';

export interface CliErrorOptions extends ErrorOptions {
  /** The next thing to do. */
  fix?: string | undefined;
  /** What the server said. */
  problem?: Problem | undefined;
}

export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: ExitCode;
  readonly fix: string | undefined;
  readonly problem: Problem | undefined;

  constructor(exit: ExitCode, message: string, { fix, problem, ...options }: CliErrorOptions = {}) {
    super(message, options);
    this.exit = exit;
    this.fix = fix;
    this.problem = problem;
  }
}

export function usageError(message: string, fix?: string): CliError {
  return new CliError(EXIT.usage, message, { fix });
}

/** The command was ended by Ctrl-C. */
export function interrupted(): CliError {
  return new CliError(EXIT.interrupted, 'interrupted');
}

/** The same document the API answers with, also for what went wrong on this side. */
export function problemOf(error: CliError): Problem & { fix?: string } {
  const { code, status, title } = KINDS[error.exit];
  const own: Problem = {
    type: `/docs/reference/errors#${code}`,
    title,
    status,
    code,
    detail: error.message,
    request_id: '',
  };
  return { ...(error.problem ?? own), ...(error.fix === undefined ? {} : { fix: error.fix }) };
}

interface Kind {
  code: ErrorCode;
  status: number;
  title: string;
}

const SYSTEM: Kind = { code: 'OPMAS_SYSTEM_ERROR', status: 500, title: 'System error' };

const KINDS: Readonly<Record<ExitCode, Kind>> = {
  [EXIT.ok]: SYSTEM,
  [EXIT.failed]: SYSTEM,
  [EXIT.usage]: { code: 'OPMAS_INVALID_REQUEST', status: 400, title: 'Invalid request' },
  [EXIT.notFound]: { code: 'OPMAS_NOT_FOUND', status: 404, title: 'Not found' },
  [EXIT.forbidden]: { code: 'OPMAS_UNAUTHENTICATED', status: 401, title: 'Not signed in' },
  [EXIT.conflict]: { code: 'OPMAS_CONFLICT', status: 409, title: 'Conflict' },
  [EXIT.timeout]: { code: 'OPMAS_TIMEOUT', status: 504, title: 'Timed out' },
  [EXIT.unreachable]: {
    code: 'OPMAS_API_UNREACHABLE',
    status: 503,
    title: 'Management API unreachable',
  },
  [EXIT.partial]: SYSTEM,
  [EXIT.difference]: SYSTEM,
  [EXIT.interrupted]: SYSTEM,
};

/** A sentence for anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}

/** The system error code (`ENOENT`, …) of anything thrown or of its cause. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return errnoOf(error.cause);
}
