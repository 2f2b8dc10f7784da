/** Gives the event loop back now and then in work that takes long: heartbeats and commands must have their turn. */
import { setImmediate } from 'node:timers/promises';
import { limits } from '../limits.ts';

export class Breath {
  readonly #afterMs: number;
  #since = performance.now();

  constructor(afterMs: number = limits.breathMs) {
    this.#afterMs = afterMs;
  }

  /** It has been long: `take` before going on. */
  get due(): boolean {
    return performance.now() - this.#since > this.#afterMs;
  }

  async take(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}

/** Steps one after the other, and others their turn after a few milliseconds of them. */
export async function inTurns<T>(steps: Generator<void, T>): Promise<T> {
  const breath = new Breath(limits.stepsMs);
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    if (breath.due) await breath.take();
  }
}

/** All steps now. */
export function atOnce<T>(steps: Generator<void, T>): T {
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}
