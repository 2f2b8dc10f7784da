/** Work of which each part has its turn, whatever became of the others. */

/** One after the other. @throws what failed first, after all had their turn */
export async function eachOf(works: readonly (() => unknown)[]): Promise<void> {
  const faults: unknown[] = [];
  for (const work of works) {
    try {
      await work();
    } catch (fault) {
      faults.push(fault);
    }
  }
  if (faults.length > 0) throw faults[0];
}
