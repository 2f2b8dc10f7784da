/** Runs work that is written as a generator: at one go, or in slices beside other work. */

/** How long a slice goes on, in milliseconds, before whatever else waits has its turn. */
const SLICE_MS = 4;

/** All of it now. */
export function wholly<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** In slices of a few milliseconds: the work may yield as often as it likes, and should after each millisecond. */
export async function inSlices<T>(work: Generator<void, T>): Promise<T> {
  let began = performance.now();
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (performance.now() - began < SLICE_MS) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    began = performance.now();
  }
}
