/** The real clock, and what a test adds to it. */
import { type Clock, systemClock } from '../kernel/clock.ts';

export interface MovingClock extends Clock {
  move(ms: number): void;
  /** While `work` is under way it stands still but for `move`: a busy machine takes its time. */
  still<T>(work: () => Promise<T>): Promise<T>;
}

export function movingClock(): MovingClock {
  let added = 0;
  let stopped: { now: number; monotonic: number } | undefined;
  const real = () => ({ now: systemClock.now(), monotonic: systemClock.monotonic() });
  return {
    now: () => (stopped ?? real()).now + added,
    monotonic: () => (stopped ?? real()).monotonic + added,
    move: (ms) => {
      added += ms;
    },
    still: async (work) => {
      stopped = real();
      try {
        return await work();
      } finally {
        stopped = undefined;
      }
    },
  };
}
