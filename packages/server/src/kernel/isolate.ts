/** Finds the few items of a batch that can never be written, so that the others are not held up. */

/**
 * Writes `items` as one batch; when `write` fails by the items' own fault, halves are tried until the
 * culprits stand alone.
 * @param isOwnFault tells such a failure from one that trying again may heal; the latter is thrown on
 * @returns the culprits with what was said of them
 */
export async function isolate<T>(
  items: readonly T[],
  write: (items: readonly T[]) => Promise<void>,
  isOwnFault: (error: unknown) => boolean,
): Promise<{ item: T; error: unknown }[]> {
  try {
    await write(items);
    return [];
  } catch (error) {
    if (!isOwnFault(error)) throw error;
    const [first] = items;
    if (first === undefined) return [];
    if (items.length === 1) return [{ item: first, error }];
    const middle = Math.ceil(items.length / 2);
    return [
      ...(await isolate(items.slice(0, middle), write, isOwnFault)),
      ...(await isolate(items.slice(middle), write, isOwnFault)),
    ];
  }
}
