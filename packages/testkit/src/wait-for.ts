/** Waits for a condition instead of sleeping. */
import { setTimeout as delay } from 'node:timers/promises';
import { limits } from './limits.ts';

export interface WaitOptions {
  timeoutMs?: number;
  /** Time between two questions; absent: 5 ms at first, and longer the longer it takes. */
  pollMs?: number;
  /** Names the condition in the failure. */
  what?: string;
}

/**
 * Asks until the answer is truthy and returns it. A throwing condition counts as not yet; its
 * last error becomes the cause of the failure.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = limits.waitForMs, pollMs, what = 'the condition' }: WaitOptions = {},
): Promise<NonNullable<T>> {
  const began = performance.now();
  const end = began + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= end) {
      throw new Error(`${what} did not come true within ${timeoutMs} ms`, { cause });
    }
    await delay(pollMs ?? patience(performance.now() - began));
  }
}

/** Asking is work, for others too: who has waited a second long asks twenty times a second. */
function patience(waitedMs: number): number {
  return Math.min(limits.pollMostMs, Math.max(limits.pollMs, waitedMs * limits.pollShare));
}
