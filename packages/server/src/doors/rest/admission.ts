/** How often anybody may call: by identity once it is known, by address before. */
import type { FastifyRequest } from 'fastify';
import { OpmasError } from '../../kernel/errors.ts';
import { networkOf } from '../../kernel/network.ts';
import type { Caller, Operation } from '../../operation.ts';
import type { Rate, RateLimiter } from '../../platform/ports.ts';

/** Every call is of one class. Generous for people and scripts, a wall for loops that went wild. */
export const RATES = {
  /** Needs no token: counted by address. */
  open: { perMinute: 1_200, burst: 600 },
  read: { perMinute: 1_200, burst: 600 },
  write: { perMinute: 600, burst: 300 },
  /** Reads or computes over much at once. */
  expensive: { perMinute: 20, burst: 10 },
  /** The data path: a caller that has the permission may fill it with full batches. */
  events: { perMinute: 60_000, burst: 6_000 },
  /** New WebSockets of an address: all pages behind one come back together after a restart. */
  feed: { perMinute: 600, burst: 600 },
  /** Tokens of an address that prove nothing: forged, or unknown to the database, which each one asks. */
  guesses: { perMinute: 300, burst: 300 },
  /** Reports of browsers, of an address. */
  reports: { perMinute: 60, burst: 30 },
} as const satisfies Record<string, Rate>;

export type RateClass = keyof typeof RATES;

/** Operations that cost more than their method says. */
export const EXPENSIVE: ReadonlySet<string> = new Set([
  'audit.export',
  'audit.verify',
  'packages.scan',
  'rules.test',
  'secrets.rotate',
]);

export function rateClassOf({ id, permission, rest }: Operation): RateClass {
  if (permission === 'open') return 'open';
  if (EXPENSIVE.has(id)) return 'expensive';
  if (id === 'events.post') return 'events';
  return rest.method === 'GET' ? 'read' : 'write';
}

export interface Admission {
  /** @throws {OpmasError} OPMAS_RATE_LIMITED */
  address(kind: RateClass, request: FastifyRequest): Promise<void>;
  /** @throws {OpmasError} OPMAS_RATE_LIMITED */
  call(operation: Operation, caller: Caller, request: FastifyRequest): Promise<void>;
}

/** The owner of the data folder is not limited: whoever is that has the database and the processes too. */
export function createAdmission(limiter: RateLimiter): Admission {
  async function take(key: string, rate: Rate): Promise<void> {
    const wait = await limiter.take(key, rate);
    if (wait <= 0) return;
    const seconds = Math.ceil(wait / 1_000);
    throw new OpmasError('OPMAS_RATE_LIMITED', `Too many requests; try again in ${seconds} s`, {
      retryAfter: seconds,
    });
  }
  const address: Admission['address'] = (kind, request) =>
    take(`${kind} ${networkOf(request.ip)}`, RATES[kind]);
  return {
    address,
    call: async (operation, caller, request) => {
      const perMinute = operation.rest.limitPerMinute;
      if (perMinute !== undefined) {
        await take(`${operation.id} ${networkOf(request.ip)}`, { perMinute, burst: perMinute });
      }
      if (caller.kind === 'local') return;
      const kind = rateClassOf(operation);
      if (kind === 'open') await address(kind, request);
      else await take(`${kind} ${caller.kind} ${caller.id}`, RATES[kind]);
    },
  };
}
