// What the connection pill says for a state of the feed.
import { limits } from '../limits.ts';
import type { FeedState } from '../live/feed.ts';

export type Pill =
  | { kind: 'connecting' | 'live' | 'reconnecting'; since: 0 }
  | { kind: 'stale'; since: number };

/** A short break is "reconnecting"; after `staleAfterMs` the reader must know that what he sees is old. */
export function pillOf(state: FeedState, now: number): Pill {
  if (state.kind !== 'reconnecting') return { kind: state.kind, since: 0 };
  return now - state.since < limits.staleAfterMs
    ? { kind: 'reconnecting', since: 0 }
    : { kind: 'stale', since: state.since };
}
