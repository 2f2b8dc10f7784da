/** Time as a dependency: agents, retries and beats ask this, so that tests move it by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once after `ms`; the answer cancels it. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** The last time that was written: within one millisecond many findings are made. */
let written = { at: Number.NaN, text: '' };

/** RFC 3339, UTC, milliseconds. */
export function isoTime(clock: Clock): string {
  const at = clock.now();
  if (written.at !== at) written = { at, text: new Date(at).toISOString() };
  return written.text;
}

/** Resolves after `ms` of `clock`, or at once when `signal` is aborted. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const cancel = clock.after(ms, finish);
    function finish(): void {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    }
    signal?.addEventListener('abort', finish, { once: true });
  });
}

/**
 * Runs `run` every `everyMs()` until stopped, the first time after `firstMs`; a run that is still going is
 * never doubled.
 */
export function repeat(
  clock: Clock,
  everyMs: () => number,
  run: () => Promise<void>,
  firstMs = everyMs(),
): () => void {
  let stopped = false;
  let cancel = () => {};
  const arm = (afterMs: number) => {
    if (stopped) return;
    cancel = clock.after(afterMs, () => {
      void run().finally(() => arm(everyMs()));
    });
  };
  arm(firstMs);
  return () => {
    stopped = true;
    cancel();
  };
}

/** Rejects with `makeError()` when `work` takes longer than `ms`; the work itself is not stopped. */
export async function within<T>(
  clock: Clock,
  ms: number,
  work: Promise<T>,
  makeError: () => Error,
): Promise<T> {
  let cancel = () => {};
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(ms, () => reject(makeError()));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}
