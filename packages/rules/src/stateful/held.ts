/** The events a window holds, by what they count as, in the order they came. */
import { Chain, type Link } from './chain.ts';

export interface Held extends Link<Held> {
  token: string;
  at: number;
  id: string;
}

/** From so many on they are found by a table; making one takes longer than looking through a few. */
const FEW = 16;

/** A set of events; made for each key, so it is small while it holds few. */
export class HeldEvents {
  /** Undefined while there are few. */
  #byToken: Map<string, Held> | undefined;
  readonly #chain = new Chain<Held>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(token: string): Held | undefined {
    if (this.#byToken !== undefined) return this.#byToken.get(token);
    for (let one = this.#chain.last; one !== undefined; one = one.before) {
      if (one.token === token) return one;
    }
    return undefined;
  }

  /** Stands last from now on, also if there was one with this token. */
  set(token: string, at: number, id: string): void {
    const known = this.get(token);
    if (known !== undefined) {
      known.at = at;
      known.id = id;
      this.#chain.moveToEnd(known);
      return;
    }
    const held: Held = { token, at, id, before: undefined, after: undefined };
    this.#chain.append(held);
    this.#size += 1;
    if (this.#byToken !== undefined) this.#byToken.set(token, held);
    else if (this.#size === FEW) {
      this.#byToken = new Map();
      for (const one of this) this.#byToken.set(one.token, one);
    }
  }

  clear(): void {
    this.#byToken = undefined;
    this.#chain.first = undefined;
    this.#chain.last = undefined;
    this.#size = 0;
  }

  /**
   * Takes out what is at `horizon` or before. In order of time, as it mostly is, only what goes is looked at; the
   * rest is, where nothing goes from the front.
   */
  forget(horizon: number): void {
    const before = this.size;
    for (let one = this.#chain.first; one !== undefined && one.at <= horizon; ) {
      const next = one.after;
      this.#remove(one);
      one = next;
    }
    if (this.size < before) return;
    for (const one of this) if (one.at <= horizon) this.#remove(one);
  }

  *[Symbol.iterator](): Generator<Held> {
    for (let one = this.#chain.first; one !== undefined; ) {
      const next = one.after;
      yield one;
      one = next;
    }
  }

  #remove(held: Held): void {
    this.#byToken?.delete(held.token);
    this.#chain.remove(held);
    this.#size -= 1;
  }
}
