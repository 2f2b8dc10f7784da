/** Rate limits of one process: a bounded map of when each caller's next call was due. */
import type { Clock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import type { Rate, RateLimiter } from '../ports.ts';

/**
 * The generic cell rate algorithm (ITU-T I.371): of each key only the time at which it will have paid
 * for what it took is kept. A key whose time has passed is like one that was never seen.
 */
export function memoryLimiter(clock: Clock): RateLimiter {
  const paidAt = new Map<string, number>();
  return {
    take: async (key, rate) => {
      const now = clock.monotonic();
      const { each, ahead } = spacing(rate);
      const next = Math.max(now, paidAt.get(key) ?? 0) + each;
      const wait = next - now - ahead;
      if (wait > 0) return wait;
      paidAt.delete(key);
      // The one longest not seen goes: a flood of new names costs memory of a fixed size.
      if (paidAt.size >= limits.rateKeys) paidAt.delete(paidAt.keys().next().value ?? '');
      paidAt.set(key, next);
      return 0;
    },
    close: async () => paidAt.clear(),
  };
}

/** Milliseconds that one costs, and how far ahead of the clock a caller may be. */
export function spacing({ perMinute, burst }: Rate): { each: number; ahead: number } {
  const each = 60_000 / perMinute;
  return { each, ahead: each * burst };
}
