// Remembers the latest messages, so that an answer that was on its way when they came can catch up with them.
import { limits } from '../limits.ts';

export function createJournal<T>(max: number = limits.feedBuffer) {
  let kept: T[] = [];
  let added = 0;
  return {
    add: (item: T): void => {
      kept.push(item);
      added += 1;
      // Cut rarely and much: shifting one by one would cost as much as everything else together.
      if (kept.length >= max * 2) kept = kept.slice(-max);
    },
    /** Hand this to `since` later. */
    mark: () => added,
    /** What was added after the mark, oldest first; at least the latest `max` of it. */
    since: (mark: number): readonly T[] => {
      const count = added - mark;
      return count > 0 ? kept.slice(-count) : [];
    },
    clear: (): void => {
      kept = [];
    },
  };
}
