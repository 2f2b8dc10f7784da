/** Lets only so many agents boot at once; a place is kept from the launch until ready, death or stop. */

export interface StartGate {
  /** Would a launch have to wait now? */
  full(): boolean;
  /**
   * Waits for a place, first come first served, and returns the way to give it back (once; later
   * calls do nothing). Undefined when `signal` was aborted first.
   */
  enter(signal: AbortSignal): Promise<(() => void) | undefined>;
}

export function startGate(places: number): StartGate {
  let free = places;
  const queue: ((release: (() => void) | undefined) => void)[] = [];

  const release = () => {
    free += 1;
    const next = queue.shift();
    if (next !== undefined) next(take());
  };
  const take = () => {
    free -= 1;
    let held = true;
    return () => {
      if (held) release();
      held = false;
    };
  };
  return {
    full: () => free === 0,
    enter(signal) {
      if (signal.aborted) return Promise.resolve(undefined);
      if (free > 0) return Promise.resolve(take());
      return new Promise((resolve) => {
        const leave = () => {
          queue.splice(queue.indexOf(enter), 1);
          resolve(undefined);
        };
        const enter = (given: (() => void) | undefined) => {
          signal.removeEventListener('abort', leave);
          resolve(given);
        };
        signal.addEventListener('abort', leave, { once: true });
        queue.push(enter);
      });
    },
  };
}
