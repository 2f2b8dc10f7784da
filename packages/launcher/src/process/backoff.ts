/** When to start a dead child again: the first time at once, then slower and slower, and anew after a healthy while. */
import { limits } from '../limits.ts';

export class Backoff {
  #failures = 0;
  #readyAt: number | undefined;
  #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The child answers. */
  ready(): void {
    this.#readyAt = this.#now();
  }

  /** It died or did not start: milliseconds to wait before the next start. */
  next(): number {
    if (this.#readyAt !== undefined && this.#now() - this.#readyAt >= limits.backoffResetMs) {
      this.#failures = 0;
    }
    this.#readyAt = undefined;
    const failures = this.#failures;
    this.#failures += 1;
    if (failures === 0) return 0;
    return Math.min(limits.backoffCapMs, limits.backoffFirstMs * 2 ** (failures - 1));
  }
}
