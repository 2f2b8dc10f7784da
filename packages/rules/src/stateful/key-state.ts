/** What is remembered of one key of one rule. Times are milliseconds since the epoch. */
import { type Static, Type } from '@opmas/protocol';
import type { Link } from './chain.ts';
import { HeldEvents } from './held.ts';

const Waiting = Type.Object({ at: Type.Number(), id: Type.String(), arrived: Type.Number() });
/** An event that something should follow. */
export type Waiting = Static<typeof Waiting>;

/** `[token, at, id]`: see `KeyState.held`. */
export const Entry = Type.Tuple([Type.String(), Type.Number(), Type.String()]);
export type Entry = Static<typeof Entry>;

/** A key's state as it is kept. */
export const StoredState = Type.Object({
  latest: Type.Number(),
  closed: Type.Number(),
  held: Type.Array(Entry),
  waiting: Type.Optional(Waiting),
  newest: Type.Optional(Waiting),
  answered: Type.Optional(Type.Object({ at: Type.Number(), ids: Type.Array(Type.String()) })),
});
export type StoredState = Static<typeof StoredState>;

export class KeyState implements Link<KeyState> {
  readonly key: string;
  before: KeyState | undefined;
  after: KeyState | undefined;
  /** The newest event's time: the window ends here. */
  latest = 0;
  /** What happened up to here is told or suppressed. */
  closed = 0;
  /**
   * What the window holds. threshold: by event id. distinct: by value, the newest event with it. sequence:
   * by the second event's id, the first event of the pair. Some may be out of the window already.
   */
  readonly held = new HeldEvents();
  /** sequence: the newest first event; absence: the oldest without an answer; silence: the newest. */
  waiting: Waiting | undefined;
  /** absence: the newest without an answer, when that is another. */
  newest: Waiting | undefined;
  /** absence: the newest answer's time, and what it answered. */
  answered: { at: number; ids: string[] } | undefined;
  /** Entries of `held` made since the state was last kept; undefined: the whole has to be kept. */
  fresh: Entry[] | undefined = [];

  constructor(key: string) {
    this.key = key;
  }

  static from(key: string, stored: StoredState): KeyState {
    const state = new KeyState(key);
    state.latest = stored.latest;
    state.closed = stored.closed;
    for (const [token, at, id] of stored.held) state.held.set(token, at, id);
    state.waiting = stored.waiting;
    state.newest = stored.newest;
    state.answered = stored.answered;
    return state;
  }

  stored(): StoredState {
    const { latest, closed, waiting, newest, answered } = this;
    return {
      latest,
      closed,
      held: Array.from(this.held, ({ token, at, id }): Entry => [token, at, id]),
      ...(waiting === undefined ? {} : { waiting }),
      ...(newest === undefined ? {} : { newest }),
      ...(answered === undefined ? {} : { answered }),
    };
  }
}
