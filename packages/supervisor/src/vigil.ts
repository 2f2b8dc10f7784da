/** Is an agent still there? Judges silence by the agent's own interval, and only while the host could hear. */
import { policyLimits } from './limits.ts';
import { silenceLimitMs } from './policy.ts';

/** Monotonic milliseconds throughout. */
export interface Vigil {
  /** A heartbeat arrived; `interval` in seconds, when it says so. */
  heard(at: number, interval: number | undefined): void;
  /** Has it been silent too long? `listeningSince`: since when the host has heard without a gap. */
  overdue(now: number, listeningSince: number): boolean;
}

export function vigil(startedAt: number): Vigil {
  let last = startedAt;
  let longestGapMs = 0;
  let declared: number | undefined;
  return {
    heard(at, interval) {
      longestGapMs = Math.max(longestGapMs, at - last);
      last = at;
      declared = interval ?? declared;
    },
    overdue(now, listeningSince) {
      // Undeclared: the default, or what it has shown itself to take.
      const seconds = declared ?? Math.max(policyLimits.heartbeatSeconds, longestGapMs / 1000);
      return now - Math.max(last, listeningSince) > silenceLimitMs(seconds);
    },
  };
}
