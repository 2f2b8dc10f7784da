/** Remembers, between deliveries of a message, which of its events are done. */
export class Progress {
  readonly #done = new Map<string, Set<number>>();
  readonly #maxEntries: number;

  /** At most `maxEntries` messages; the longest unused is forgotten first (its events are redone). */
  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  isDone(key: string, index: number): boolean {
    return this.#done.get(key)?.has(index) ?? false;
  }

  markDone(key: string, index: number): void {
    const done = this.#done.get(key) ?? new Set<number>();
    done.add(index);
    this.#done.delete(key);
    this.#done.set(key, done);
    if (this.#done.size > this.#maxEntries) {
      const oldest = this.#done.keys().next().value;
      if (oldest !== undefined) this.#done.delete(oldest);
    }
  }

  forget(key: string): void {
    this.#done.delete(key);
  }

  get size(): number {
    return this.#done.size;
  }
}
