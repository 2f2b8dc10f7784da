/** Messages of a consumer that were taken here and that the broker may send again. */
export class Unsettled {
  readonly #resendMs: number;
  /** At work here, by position in the stream. */
  readonly #taken = new Set<number>();
  /** Given back, and until when it may come again; as they were given back. */
  readonly #until = new Map<number, number>();

  /** @param resendMs after so long the broker has sent again what nobody settled */
  constructor(resendMs: number) {
    this.#resendMs = resendMs;
  }

  get size(): number {
    return this.#taken.size + this.#until.size;
  }

  take(seq: number): void {
    this.#until.delete(seq);
    this.#taken.add(seq);
  }

  settle(seq: number): void {
    this.#taken.delete(seq);
    this.#until.delete(seq);
  }

  /** It comes again after `delayMs`, here or to another instance. Milliseconds of one clock. */
  giveBack(seq: number, delayMs: number, now: number): void {
    this.#taken.delete(seq);
    this.#until.delete(seq);
    this.#until.set(seq, now + delayMs + this.#resendMs);
    // Nobody may ever ask, and another instance may get it: what is over goes as others come.
    for (const [oldest, until] of this.#until) {
      if (until > now) break;
      this.#until.delete(oldest);
    }
  }

  /** How many were given back and may still come again. */
  givenBack(now: number): number {
    for (const [seq, until] of this.#until) if (until <= now) this.#until.delete(seq);
    return this.#until.size;
  }
}
