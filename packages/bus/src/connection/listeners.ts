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
    const now = [...this.#set];
    for (const listener of now) {
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
