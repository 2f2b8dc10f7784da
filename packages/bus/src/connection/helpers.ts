/** Small parts of the connection that need no state. */
import { BusError } from '../errors.ts';
import { withPlainApi } from '../trust/api-prefix.ts';
import type { Violation } from './bus.ts';

/** What the library's permission error is about; undefined for any other error. */
export function violationOf(error: Error): Violation | undefined {
  if (error.name !== 'PermissionViolationError') return undefined;
  const operation: unknown = Reflect.get(error, 'operation');
  const subject: unknown = Reflect.get(error, 'subject');
  if ((operation !== 'publish' && operation !== 'subscription') || typeof subject !== 'string')
    return undefined;
  return { operation, subject: withPlainApi(subject) };
}

/** `promise`, or a rejection after `ms`. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new BusError('OPMAS_TIMEOUT', `not done within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
