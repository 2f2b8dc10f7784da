/** The cache of a single machine: a bounded map, oldest out first. */
import type { Clock } from '../../kernel/clock.ts';
import type { Cache } from '../ports.ts';

const MAX_ENTRIES = 10_000;

export function memoryCache(clock: Clock): Cache {
  const entries = new Map<string, { value: string; expires: number }>();
  return {
    get: async (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (entry.expires > clock.monotonic()) return entry.value;
      entries.delete(key);
      return undefined;
    },
    set: async (key, value, ttlMs) => {
      entries.delete(key);
      if (entries.size >= MAX_ENTRIES) {
        const oldest = entries.keys().next();
        if (!oldest.done) entries.delete(oldest.value);
      }
      entries.set(key, { value, expires: clock.monotonic() + ttlMs });
    },
    delete: async (key) => {
      entries.delete(key);
    },
    close: async () => entries.clear(),
  };
}
