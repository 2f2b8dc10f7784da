/** A set of listeners: adding returns the removal, and one that throws does not stop the others. */
export class Listeners<T> {
  readonly #set = new Set<(value: T) => void>();

  add(listener: (value: T) => void): () => void {
    this.#set.add(listener);
    return () => {
      this.#set.delete(listener);
    };
  }

  emit(value: T): void {
    for (const listener of [...this.#set]) {
      try {
        listener(value);
      } catch (error) {
        // A listener's bug must surface as a crash, not stop the connection's bookkeeping.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
