/** The named groups of a rule's pattern. */

/** In their order; empty for what is no regular expression: the compiler refuses that elsewhere. */
export function patternGroups(pattern: string): string[] {
  const source = pattern.replace(/^\(\?[ims]+\)/, '');
  try {
    // The empty alternative matches at once, and answers every group.
    return Object.keys(new RegExp(`(?:${source})|`).exec('')?.groups ?? {});
  } catch {
    return [];
  }
}
