// How long to wait before the next try to connect.
import { limits } from '../limits.ts';

/**
 * Doubles from `reconnectBaseMs` to `reconnectCapMs`, with full jitter above half, so that many open pages do
 * not come back in the same instant.
 * @param failures tries that failed in a row, from 0
 * @param random in [0, 1)
 */
export function reconnectWait(failures: number, random: number): number {
  const top = Math.min(limits.reconnectCapMs, limits.reconnectBaseMs * 2 ** Math.min(failures, 20));
  return Math.round(top / 2 + (top / 2) * random);
}
