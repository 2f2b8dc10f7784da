// Gathers feed messages so that the page changes once per frame, however many arrive.
import { limits } from '../limits.ts';

export interface BatchPorts<T> {
  /** Gets what was gathered, in order. */
  apply: (items: readonly T[]) => void;
  /** Runs `flush` once, soon; answers how to call that off. */
  schedule: (flush: () => void) => () => void;
  max?: number;
}

export function createBatch<T>({ apply, schedule, max = limits.feedBuffer }: BatchPorts<T>) {
  let held: T[] = [];
  let cancel: (() => void) | undefined;

  function flush(): void {
    cancel?.();
    cancel = undefined;
    const items = held;
    held = [];
    if (items.length > 0) apply(items);
  }

  return {
    add(item: T): void {
      held.push(item);
      if (held.length >= max) flush();
      else cancel ??= schedule(flush);
    },
    /** Forgets what was gathered. */
    clear(): void {
      cancel?.();
      cancel = undefined;
      held = [];
    },
  };
}

/** The next frame; a hidden tab has none, so there a timer of `feedHoldMs`. */
export function onNextFrame(flush: () => void): () => void {
  const frame = requestAnimationFrame(flush);
  const timer = setTimeout(flush, limits.feedHoldMs);
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}
