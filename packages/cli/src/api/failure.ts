/** Turns what a request came to into one kind of error with the right exit code. */
import type { Problem } from '@opmas/protocol';
import { CliError, errnoOf, messageOf } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export interface Failed {
  error?: unknown;
  response?: Response | undefined;
}

export function failureOf({ error, response }: Failed, url: string): CliError {
  if (response === undefined) return noAnswer(error, url);
  const problem = problemIn(error);
  if (problem === undefined) {
    return new CliError(
      exitOf(response.status),
      `${url} answered ${response.status}, and not as OPMAS does`,
      {
        fix: 'Check the URL: --url or OPMAS_URL.',
      },
    );
  }
  return new CliError(exitOf(response.status, problem.code), sentence(problem), {
    problem,
    fix: fixOf(response.status),
  });
}

/** Nothing came back: refused, unknown host, cut off, or too slow. */
export function noAnswer(error: unknown, url: string): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new CliError(EXIT.timeout, `${url} did not answer in time`, { cause: error });
  }
  const why = errnoOf(error) ?? messageOf(error);
  if (UNTRUSTED.has(why)) {
    return new CliError(EXIT.unreachable, `The certificate of ${url} is not trusted (${why})`, {
      cause: error,
      fix: 'Name its authority: --ca-file FILE (OPMAS_CA_FILE). Of an own authority it is keys/tls/ca.crt in the data folder.',
    });
  }
  return new CliError(EXIT.unreachable, `No OPMAS answers at ${url} (${why})`, {
    cause: error,
    fix: 'Start it with `npm start`, or name another with --url or OPMAS_URL.',
  });
}

/** What Node says of a certificate that it does not accept. */
const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
]);

export function exitOf(status: number, code?: string): ExitCode {
  if (code === 'OPMAS_API_UNREACHABLE') return EXIT.unreachable;
  if (status === 401 || status === 403) return EXIT.forbidden;
  if (status === 404) return EXIT.notFound;
  if (status === 409 || status === 412) return EXIT.conflict;
  if (status === 504) return EXIT.timeout;
  if (status === 502 || status === 503) return EXIT.unreachable;
  return EXIT.failed;
}

function fixOf(status: number): string | undefined {
  if (status === 401) return 'Sign in with `opmas login`.';
  if (status === 412) return 'Somebody changed it meanwhile: look at it and do it again.';
  if (status === 429 || status === 503)
    return 'Try again in a moment; `opmas doctor` looks for the cause.';
  return undefined;
}

function sentence({ title, detail, errors = [] }: Problem): string {
  const lines = errors
    .filter(({ message }) => !detail.includes(message))
    .map(({ path, message }) => `  ${path === '' ? '' : `${path}: `}${message}`);
  return [detail || title, ...lines].join('\n');
}

/** The body of an error, if it is one of ours. */
function problemIn(value: unknown): Problem | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return 'code' in value && 'detail' in value && 'title' in value ? (value as Problem) : undefined;
}
