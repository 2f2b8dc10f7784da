/** A clock for tests: stands still until told to move. */
import type { Clock } from '../clock.ts';

interface Timer {
  at: number;
  run: () => void;
}

export interface FakeClock extends Clock {
  /** Moves on by `ms`; timers that fall due run in their order, and what they start gets its turn. */
  tick(ms: number): Promise<void>;
}

/** @param start milliseconds since the epoch; 2026-01-01 by default */
export function fakeClock(start: number = Date.UTC(2026, 0, 1)): FakeClock {
  let now = start;
  const timers = new Set<Timer>();
  const nextDue = (end: number) => {
    let first: Timer | undefined;
    for (const timer of timers) {
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer;
    }
    return first;
  };
  return {
    now: () => now,
    after: (ms, run) => {
      const timer = { at: now + Math.max(0, ms), run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    tick: async (ms) => {
      const end = now + ms;
      for (let due = nextDue(end); due !== undefined; due = nextDue(end)) {
        now = due.at;
        timers.delete(due);
        due.run();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
