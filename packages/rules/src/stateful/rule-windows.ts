/** The windows of one rule, by key: the longest unused gives way when there are too many. */
import { Chain } from './chain.ts';
import { type Entry, KeyState, type StoredState } from './key-state.ts';
import {
  type Completed,
  dueAt,
  type Happening,
  happened,
  isOver,
  missed,
  type Outcome,
} from './kinds.ts';
import type { WindowRecord } from './records.ts';
import type { WindowRule } from './window-rule.ts';

export interface WindowRoom {
  keys: number;
  /** Remembered events of all keys. */
  entries: number;
}

export class RuleWindows {
  rule: WindowRule;
  room: WindowRoom;
  /** Keys that gave way although their window was open. */
  evicted = 0;
  readonly #keys = new Map<string, KeyState>();
  /** The longest unused first. */
  readonly #byUse = new Chain<KeyState>();
  readonly #changed = new Set<KeyState>();
  readonly #gone = new Set<string>();
  #entries = 0;
  /** No key is due before; it may be that none is then. */
  #soonest = Number.POSITIVE_INFINITY;

  /** false: nobody asks what changed. */
  readonly #kept: boolean;

  constructor(rule: WindowRule, room: WindowRoom, kept = true) {
    this.rule = rule;
    this.room = room;
    this.#kept = kept;
  }

  get keys(): number {
    return this.#keys.size;
  }

  get entries(): number {
    return this.#entries;
  }

  get soonest(): number {
    return this.#soonest;
  }

  /** @param now in time of arrival; only to forget what is long over */
  happened(key: string, event: Happening, now: number): Outcome {
    let state = this.#keys.get(key);
    if (state === undefined) {
      // A second step completes nothing here; that it came before its first is remembered for absence alone.
      if (event.second && this.rule.kind === 'sequence') return 'ignored';
      state = new KeyState(key);
      // Of a key that gave way since the last write, what was kept before must not hold any more.
      if (this.#gone.delete(key) || !this.#kept) state.fresh = undefined;
      this.#enter(state);
      this.#makeRoom(now);
    } else this.#byUse.moveToEnd(state);
    const before = state.held.size;
    const outcome = happened(this.rule, state, event);
    if (outcome === 'ignored') return outcome;
    this.#entries += state.held.size - before;
    if (this.#kept) this.#changed.add(state);
    this.#noteDue(state);
    if (this.#entries > this.room.entries) this.#makeRoom(now);
    return outcome;
  }

  /** Fires what is due when everything that arrived before `now` is counted. */
  *missed(now: number): Generator<[key: string, completed: Completed]> {
    if (now < this.#soonest) return;
    this.#soonest = Number.POSITIVE_INFINITY;
    for (const state of this.#keys.values()) {
      const due = dueAt(this.rule, state);
      if (due === undefined) continue;
      if (due > now) {
        this.#soonest = Math.min(this.#soonest, due);
        continue;
      }
      const completed = missed(this.rule, state);
      if (this.#kept) this.#changed.add(state);
      if (completed !== undefined) yield [state.key, completed];
    }
  }

  /** What changed since the last call. */
  *changes(): Generator<WindowRecord> {
    const rule = this.rule.signature;
    for (const key of this.#gone) yield { rule, key, gone: true };
    this.#gone.clear();
    for (const state of this.#changed) {
      const { key, latest, fresh } = state;
      if (fresh === undefined) yield { rule, key, state: state.stored() };
      else yield { rule, key, latest, add: fresh };
      state.fresh = [];
    }
    this.#changed.clear();
  }

  /** Everything, as records; keys that change meanwhile are told by `changes` besides. */
  *all(now: number): Generator<WindowRecord> {
    const rule = this.rule.signature;
    const states = [...this.#keys.values()];
    for (const state of states) {
      const { key } = state;
      if (this.#keys.get(key) !== state || isOver(this.rule, state, now)) continue;
      yield { rule, key, state: state.stored() };
    }
  }

  put(key: string, stored: StoredState): void {
    this.remove(key);
    const state = KeyState.from(key, stored);
    this.#enter(state);
    this.#entries += state.held.size;
    this.#noteDue(state);
    this.#makeRoom(0);
  }

  add(key: string, latest: number, entries: readonly Entry[]): void {
    let state = this.#keys.get(key);
    if (state === undefined) {
      state = new KeyState(key);
      this.#enter(state);
    } else this.#byUse.moveToEnd(state);
    const before = state.held.size;
    for (const [token, at, id] of entries) state.held.set(token, at, id);
    state.latest = Math.max(state.latest, latest);
    this.#entries += state.held.size - before;
    this.#makeRoom(0);
  }

  remove(key: string): void {
    const state = this.#keys.get(key);
    if (state === undefined) return;
    this.#keys.delete(key);
    this.#byUse.remove(state);
    this.#changed.delete(state);
    this.#entries -= state.held.size;
  }

  #enter(state: KeyState): void {
    this.#keys.set(state.key, state);
    this.#byUse.append(state);
  }

  #noteDue(state: KeyState): void {
    const due = dueAt(this.rule, state);
    if (due !== undefined && due < this.#soonest) this.#soonest = due;
  }

  /** A look at the longest unused per new key is enough: what is over goes before it is in the way. */
  #makeRoom(now: number): void {
    for (let state = this.#byUse.first; state !== undefined; state = this.#byUse.first) {
      const tooMany = this.#keys.size > this.room.keys || this.#entries > this.room.entries;
      const over = isOver(this.rule, state, now);
      if ((!tooMany && !over) || this.#keys.size === 1) return;
      if (!over) this.evicted += 1;
      this.remove(state.key);
      if (this.#kept) this.#gone.add(state.key);
    }
  }
}
