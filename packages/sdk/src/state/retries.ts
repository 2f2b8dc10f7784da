/** Absences that could not be told: each waits longer from time to time, and not for ever. */
import type { Firing } from '@opmas/rules';
import { limits } from '../limits.ts';

interface Waiting {
  firing: Firing;
  tries: number;
  /** Milliseconds; infinite while it is being tried. */
  at: number;
}

export class Retries {
  /** By the firing's id: at most as many as there are windows. */
  readonly #waiting = new Map<string, Waiting>();

  /** When the next one is to be tried; infinite without any. */
  get nextAt(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of this.#waiting.values()) next = Math.min(next, at);
    return next;
  }

  /** Those whose pause is over: they are tried now. */
  over(now: number): Firing[] {
    const over = [...this.#waiting.values()].filter(({ at }) => at <= now);
    for (const waiting of over) waiting.at = Number.POSITIVE_INFINITY;
    return over.map(({ firing }) => firing);
  }

  /** Of those being tried only `firings` are left: the rules of others are gone, or count anew. */
  keepOnly(firings: readonly Firing[]): void {
    const left = new Set(firings.map(({ id }) => id));
    for (const [id, { at }] of this.#waiting) {
      if (at === Number.POSITIVE_INFINITY && !left.has(id)) this.#waiting.delete(id);
    }
  }

  /** It failed once more. @returns how often by now */
  failed(firing: Firing, now: number): number {
    const tries = (this.#waiting.get(firing.id)?.tries ?? 0) + 1;
    const pause = Math.min(limits.absenceRetryMs * 2 ** (tries - 1), limits.absenceRetryCapMs);
    this.#waiting.set(firing.id, { firing, tries, at: now + pause });
    return tries;
  }

  /** It was told, or given up. */
  forget(firing: Firing): void {
    this.#waiting.delete(firing.id);
  }
}
