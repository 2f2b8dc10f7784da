/** Good tokens as the database last told of them: found by their hash when one is shown, by their id later. */
import type { UsableToken } from './tokens.store.ts';

export type TokenMemory = ReturnType<typeof createTokenMemory>;

/** Holds `most` tokens; beyond that the one remembered longest is forgotten. */
export function createTokenMemory(most: number) {
  const byHash = new Map<string, UsableToken>();
  const hashes = new Map<string, string>();

  function forget(tokenId: string): void {
    const hash = hashes.get(tokenId);
    if (hash === undefined) return;
    hashes.delete(tokenId);
    byHash.delete(hash);
  }

  return {
    get: (hash: string): UsableToken | undefined => byHash.get(hash),
    byId: (tokenId: string): UsableToken | undefined => byHash.get(hashes.get(tokenId) ?? ''),
    ids: (): string[] => [...hashes.keys()],
    forget,
    remember(hash: string, token: UsableToken): void {
      if (!byHash.has(hash) && byHash.size >= most) {
        const [oldest] = byHash.values();
        if (oldest !== undefined) forget(oldest.token_id);
      }
      byHash.set(hash, token);
      hashes.set(token.token_id, hash);
    },
    /** Of `ids` those in `now` are as they are there, and the others forgotten. */
    update(ids: readonly string[], now: readonly UsableToken[]): void {
      const usable = new Map(now.map((token) => [token.token_id, token]));
      for (const id of ids) {
        const hash = hashes.get(id);
        const token = usable.get(id);
        if (token === undefined || hash === undefined) forget(id);
        else byHash.set(hash, token);
      }
    },
  };
}
