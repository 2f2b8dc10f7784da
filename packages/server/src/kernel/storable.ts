/** Makes any JSON value fit for the database: no NUL, no half of a surrogate pair, no bottomless nesting. */
import { isPlainObject } from '@opmas/protocol';

const UNSTORABLE = /\\u0000|\\ud[89a-f]/i;

/** Is JSON `text` nested deeper than `levels`? Reads it once, builds nothing. */
export function isDeep(text: string, levels: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > levels) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

/** The value of JSON `text`, every character the database cannot hold replaced by U+FFFD. */
export function parseStorable(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return UNSTORABLE.test(text) || !text.isWellFormed() ? storable(value) : value;
}

function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\ufffd');
  if (Array.isArray(value)) return value.map(storable);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [storable(key), storable(inner)]),
  );
}
