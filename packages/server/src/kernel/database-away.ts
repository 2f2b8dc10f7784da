/** Tells a database that is away, busy or slow from a query that is wrong. */
import { OpmasError } from './errors.ts';

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08003',
  '08006',
  '53300',
]);

/** A deadlock, a serialisation failure, a lock that was not had: the same transaction again may do. */
const CONTENTION_CODES = new Set(['40P01', '40001', '55P03']);
/** A statement that ran into its time limit. */
const QUERY_CANCELED = '57014';

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
}

/** Is `error` the database being away (not a fault of the query)? */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (CONNECTION_CODES.has(codeOf(error))) return true;
  return /Connection terminated|timeout exceeded when trying to connect|Query read timeout|is not queryable/.test(
    error.message,
  );
}

/** Did two transactions stand in each other's way, and was this one given up? */
export function isContended(error: unknown): boolean {
  return CONTENTION_CODES.has(codeOf(error));
}

/** Was a statement given up because it took too long? */
export function isTooSlow(error: unknown): boolean {
  return codeOf(error) === QUERY_CANCELED;
}

/**
 * Is the fault in the data itself: text, numbers or times that PostgreSQL does not take (class 22), or
 * values beyond its bounds (class 54)? The same data fails again.
 */
export function isDataFault(error: unknown): boolean {
  return /^(?:22|54)[0-9A-Z]{3}$/.test(codeOf(error));
}

/** The public face of a database that is away. */
export function databaseAway(cause: unknown): OpmasError {
  return new OpmasError(
    'OPMAS_DATABASE_UNAVAILABLE',
    'The database does not answer; it is tried again, come back in a moment',
    { retryAfter: 2, cause },
  );
}
