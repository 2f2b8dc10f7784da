/** A clock that moves only when a test says so. */

interface Timer {
  at: number;
  order: number;
  run: () => void;
}

export interface FakeClock {
  /** Milliseconds since the epoch. */
  now(): number;
  setTimeout(run: () => void, ms: number): number;
  clearTimeout(id: number): void;
  /** Moves on by `ms`, running every timer that falls due, in order, and letting promises settle between. */
  advance(ms: number): Promise<void>;
}

export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let now = start;
  let order = 0;
  const timers = new Map<number, Timer>();
  return {
    now: () => now,
    setTimeout(run, ms) {
      order += 1;
      timers.set(order, { at: now + Math.max(0, ms), order, run });
      return order;
    },
    clearTimeout: (id) => void timers.delete(id),
    async advance(ms) {
      const end = now + ms;
      for (let next = earliest(timers, end); next !== undefined; next = earliest(timers, end)) {
        now = next.at;
        timers.delete(next.order);
        next.run();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}

function earliest(timers: ReadonlyMap<number, Timer>, end: number): Timer | undefined {
  let found: Timer | undefined;
  for (const timer of timers.values()) {
    if (timer.at > end) continue;
    if (found === undefined || timer.at < found.at) found = timer;
  }
  return found;
}

/** One turn of the event loop, so that every promise chain started so far has run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
