// Puts the changes of two people together, key by key, when both began with the same document.

type Document = Record<string, unknown>;

export interface Merged {
  document: Document;
  /** Paths that both changed, each to something else; `mine` is what stands there now. */
  conflicts: readonly string[];
}

/** `mine` over `theirs`: what I did not touch is theirs. Lists and secrets are taken whole. */
export function mergeChanges(base: Document, mine: Document, theirs: Document): Merged {
  const conflicts: string[] = [];

  function merge(from: Document, left: Document, right: Document, path: string): Document {
    const entries: [string, unknown][] = [];
    for (const key of new Set([...Object.keys(right), ...Object.keys(left)])) {
      const at = path === '' ? key : `${path}.${key}`;
      const [was, isMine, isTheirs] = [own(from, key), own(left, key), own(right, key)];
      if (isSection(isMine) && isSection(isTheirs)) {
        entries.push([key, merge(isSection(was) ? was : {}, isMine, isTheirs, at)]);
        continue;
      }
      const untouched = isSame(was, isMine);
      if (!untouched && !isSame(was, isTheirs) && !isSame(isMine, isTheirs)) conflicts.push(at);
      const kept = untouched ? isTheirs : isMine;
      if (kept !== undefined) entries.push([key, kept]);
    }
    return Object.fromEntries(entries);
  }

  return { document: merge(base, mine, theirs, ''), conflicts };
}

function own(document: Document, key: string): unknown {
  return Object.hasOwn(document, key) ? document[key] : undefined;
}

/** A secret is one value, not a section with the key `$secret`. */
export function isSection(value: unknown): value is Document {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !Object.hasOwn(value, '$secret')
  );
}

/** Equal whatever the order of the keys. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return (
    left.length === right.length &&
    left.every(([key, value]) => Object.hasOwn(b, key) && isSame(value, Reflect.get(b, key)))
  );
}
