/** Remembers values by the hash of their content, the least recently used forgotten first. */

export interface BoundedCache<T> {
  get(hash: string): T | undefined;
  set(hash: string, value: T, size: number): void;
}

/** @param capacity of the sizes together, in whatever unit `set` is given */
export function boundedCache<T>(capacity: number): BoundedCache<T> {
  const entries = new Map<string, { value: T; size: number }>();
  let held = 0;
  return {
    get: (hash) => {
      const entry = entries.get(hash);
      if (entry === undefined) return undefined;
      entries.delete(hash);
      entries.set(hash, entry);
      return entry.value;
    },
    set: (hash, value, size) => {
      if (size > capacity || entries.has(hash)) return;
      entries.set(hash, { value, size });
      held += size;
      for (const [oldest, entry] of entries) {
        if (held <= capacity) break;
        entries.delete(oldest);
        held -= entry.size;
      }
    },
  };
}
