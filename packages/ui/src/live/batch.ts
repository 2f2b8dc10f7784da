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

type Schedule = (flush: () => void) => () => void;

/**
 * The next frame after calm; under a flood at least `gapMs` after the one before, because nobody reads sixty
 * changes a second and each costs the reader's own clicks time.
 */
export function pacedFrames(
  gapMs: number,
  now: () => number,
  nextFrame: Schedule = onNextFrame,
): Schedule {
  let last = Number.NEGATIVE_INFINITY;
  return (flush) => {
    const run = () => {
      last = now();
      flush();
    };
    const wait = last + gapMs - now();
    if (wait <= 0) return nextFrame(run);
    let cancelFrame: (() => void) | undefined;
    const timer = setTimeout(() => {
      cancelFrame = nextFrame(run);
    }, wait);
    return () => {
      clearTimeout(timer);
      cancelFrame?.();
    };
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
