/** Addresses that try tokens: after ten failures within a minute they wait, whatever they try. */
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';

const FAILURES = 10;
const WINDOW_MS = 60_000;

export interface FailureThrottle {
  /** @throws {OpmasError} OPMAS_RATE_LIMITED, with the seconds to wait */
  check(address: string): void;
  failed(address: string): void;
}

export function failureThrottle(clock: Clock): FailureThrottle {
  const failures = new Map<string, { since: number; count: number }>();
  const recent = (address: string) => {
    const known = failures.get(address);
    return known !== undefined && clock.monotonic() - known.since < WINDOW_MS ? known : undefined;
  };
  return {
    check: (address) => {
      const known = recent(address);
      if (known === undefined || known.count < FAILURES) return;
      const left = WINDOW_MS - (clock.monotonic() - known.since);
      throw new OpmasError(
        'OPMAS_RATE_LIMITED',
        'Too many registration tokens from this address were not valid; wait and try again',
        { retryAfter: Math.max(1, Math.ceil(left / 1_000)) },
      );
    },
    failed: (address) => {
      const known = recent(address);
      if (known !== undefined) {
        known.count += 1;
        return;
      }
      failures.delete(address);
      if (failures.size >= limits.throttledAddresses) {
        const oldest = failures.keys().next();
        if (!oldest.done) failures.delete(oldest.value);
      }
      failures.set(address, { since: clock.monotonic(), count: 1 });
    },
  };
}
