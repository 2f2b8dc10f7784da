/** Watches a new configuration until it has proven itself: time without failure, or work that succeeds after it. */
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';

export class ConfigTrial {
  readonly #clock: Clock;
  readonly #proven: (hash: string) => void;
  #hash: string | undefined;
  #began = 0;
  #cancel: () => void = () => {};

  /** @param proven called once for each configuration that did */
  constructor(clock: Clock, proven: (hash: string) => void) {
    this.#clock = clock;
    this.#proven = proven;
  }

  begin(hash: string): void {
    this.end();
    this.#hash = hash;
    this.#began = this.#clock.now();
    this.#wait();
  }

  /** Something went wrong: the time without failure begins anew. */
  failed(): void {
    if (this.#hash !== undefined) this.#wait();
  }

  /** Events were processed: after the time of the trial that is proof, whatever else failed. */
  succeeded(): void {
    if (this.#hash === undefined) return;
    if (this.#clock.now() - this.#began >= limits.provenMs) this.#prove();
  }

  end(): void {
    this.#cancel();
    this.#hash = undefined;
  }

  #wait(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(limits.provenMs, () => this.#prove());
  }

  #prove(): void {
    const hash = this.#hash;
    this.end();
    if (hash !== undefined) this.#proven(hash);
  }
}
