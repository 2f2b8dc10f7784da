// What an entry changed: each value that differs, by its place.

export interface Change {
  path: string;
  before: string | undefined;
  after: string | undefined;
}

export interface Changes {
  rows: readonly Change[];
  /** Differences beyond the limit. */
  hidden: number;
}

/** Both sides may be anything; places that one side does not have are undefined there. */
export function changesOf(before: unknown, after: unknown, max: number): Changes {
  const old = leaves(before);
  const fresh = leaves(after);
  const paths = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  const rows = paths
    .map((path) => ({ path, before: old.get(path), after: fresh.get(path) }))
    .filter((change) => change.before !== change.after);
  return { rows: rows.slice(0, max), hidden: Math.max(0, rows.length - max) };
}

/** `limits.memory → "64M"`; an empty list or object below is a value of its own. */
function leaves(value: unknown): Map<string, string> {
  const found = new Map<string, string>();
  const open: { path: string; value: unknown }[] = [{ path: '', value }];
  for (let next = open.shift(); next; next = open.shift()) {
    const entries: [string, unknown][] =
      typeof next.value === 'object' && next.value !== null ? Object.entries(next.value) : [];
    if (entries.length === 0) {
      // Nothing at all, and an object without content, change nothing by themselves.
      if (next.path !== '' && next.value !== undefined) {
        found.set(next.path, JSON.stringify(next.value));
      }
      continue;
    }
    const at = next.path;
    open.push(
      ...entries.map(([key, each]) => ({ path: at === '' ? key : `${at}.${key}`, value: each })),
    );
  }
  return found;
}
