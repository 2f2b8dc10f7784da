/** Tells a database that is away from a query that is wrong. */
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

/** Is `error` the database being away (not a fault of the query)? */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && CONNECTION_CODES.has(code)) return true;
  return /Connection terminated|timeout exceeded when trying to connect|Query read timeout|is not queryable/.test(
    error.message,
  );
}

/**
 * Is the fault in the data itself: text, numbers or times that PostgreSQL does not take (class 22), or
 * values beyond its bounds (class 54)? The same data fails again.
 */
export function isDataFault(error: unknown): boolean {
  const code: unknown = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^(?:22|54)[0-9A-Z]{3}$/.test(code);
}

/** The public face of a database that is away. */
export function databaseAway(cause: unknown): OpmasError {
  return new OpmasError(
    'OPMAS_DATABASE_UNAVAILABLE',
    'The database does not answer; it is tried again, come back in a moment',
    { retryAfter: 2, cause },
  );
}
