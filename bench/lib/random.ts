/** Numbers that look random and are the same in every run. */
export interface Random {
  /** 0 to `below` - 1. */
  int(below: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
}

/** Mulberry32 (public domain, Tommy Ettinger). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const int = (below: number) => next() % below;
  return { int, pick: ([first, ...rest]) => rest[int(rest.length + 1) - 1] ?? first };
}
