/** How long one slice of a batch may go on, and where it stopped. */
import type { Effort } from './fuse.ts';
import { limits } from './limits.ts';
import type { Match } from './verify.ts';

/** An event of which some rules were tried, and others not yet. */
export interface Rest {
  /** The event's place in the batch. */
  index: number;
  /** Places of the rules that are left, ascending. */
  rules: readonly number[];
  matches: Match[];
}

/** Looks between two glances at the clock: what takes long without an expression is many rules. */
const LOOKS = 256;

export class Turn {
  /** The first event that was not begun, or is not done; of an unstopped turn none. */
  stoppedAt: number | undefined;
  rest: Rest | undefined;
  readonly #effort: Effort;
  readonly #enoughMs: number;
  readonly #ends: number;
  #looks = 0;
  #late = false;

  constructor(effort: Effort) {
    this.#effort = effort;
    this.#enoughMs = effort.spentMs + limits.sliceMs;
    this.#ends = performance.now() + limits.sliceMs;
  }

  /** It has taken its time: what is begun may be left for the next. */
  get over(): boolean {
    this.#looks += 1;
    if (this.#looks % LOOKS === 0) this.#late ||= performance.now() > this.#ends;
    return this.#late || this.#effort.spentMs >= this.#enoughMs;
  }
}
