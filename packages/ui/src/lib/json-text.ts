// Reads JSON that a person writes: what it says, on which line each value stands, or where it breaks.
import { limits } from '../limits.ts';
import { jsonText as words } from '../text/json.ts';

export type JsonReading<T = Record<string, unknown>> =
  | { ok: true; value: T; lines: ReadonlyMap<string, number> }
  | { ok: false; line: number; column: number; message: string };

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /(?:true|false|null)(?![\w$])/y;

class Broken extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** One object. A key that is there twice is a fault too: what the first one said would be lost without a word. */
export function readDocument(text: string): JsonReading {
  return read(text, ['{'], words.object) as JsonReading;
}

/** An object or a list. */
export function readObjectOrList(text: string): JsonReading<object> {
  return read(text, ['{', '['], words.bracket);
}

function read(text: string, roots: readonly string[], otherwise: string): JsonReading<object> {
  const starts = lineStarts(text);
  const lines = new Map<string, number>();
  try {
    if (text.length > limits.editorChars) throw new Broken(0, words.long);
    const begin = text.search(/[^ \t\n\r]/);
    if (begin < 0 || !roots.includes(text[begin] ?? '')) {
      throw new Broken(begin < 0 ? text.length : begin, otherwise);
    }
    scan(text, (path, at) => lines.set(path, lineAt(starts, at)));
    return { ok: true, value: JSON.parse(text) as object, lines };
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    const line = lineAt(starts, error.at);
    const column = error.at - (starts[line - 1] ?? 0) + 1;
    return { ok: false, line, column, message: error.message };
  }
}

/** The line where the value stands, or the nearest one around it: a fault may name what is missing. */
export function lineOf(lines: ReadonlyMap<string, number>, path: string): number | undefined {
  // A fault of a rule says `rules[0].name`, others say `rules.0.name`.
  const dotted = path.replaceAll(/\[(\d+)\]/g, '.$1');
  for (let at = dotted; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const line = lines.get(at);
    if (line !== undefined) return line;
  }
  return undefined;
}

/** Where a line begins, and where the next one does: to select it. */
export function lineRange(text: string, line: number): { start: number; end: number } {
  const starts = lineStarts(text);
  const start = starts[line - 1] ?? text.length;
  const next = starts[line];
  return { start, end: next === undefined ? text.length : next - 1 };
}

export function writeDocument(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

function scan(text: string, found: (path: string, at: number) => void): void {
  let at = 0;
  const skip = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text)?.[0];
    at += match?.length ?? 0;
    return match;
  };
  const space = () => skip(SPACE);
  const sign = (wanted: string): boolean => {
    space();
    if (text[at] !== wanted) return false;
    at += 1;
    return true;
  };
  const fail = (message: string): never => {
    throw new Broken(Math.min(at, text.length), at >= text.length ? words.ends : message);
  };

  function value(path: string, depth: number): void {
    if (depth > limits.editorDepth) fail(words.deep);
    space();
    if (path !== '') found(path, at);
    if (text[at] === '{') return members(path, depth);
    if (text[at] === '[') return items(path, depth);
    if (skip(STRING) ?? skip(WORD) ?? (skip(NUMBER) || undefined)) return;
    fail(text[at] === '"' ? words.string : words.value);
  }

  function members(path: string, depth: number): void {
    at += 1;
    if (sign('}')) return;
    const seen = new Set<string>();
    do {
      space();
      const start = at;
      const raw = skip(STRING);
      if (raw === undefined) return fail(text[at] === '}' ? words.trailing : words.key);
      const key = JSON.parse(raw) as string;
      if (seen.has(key)) {
        at = start;
        fail(words.twice(key));
      }
      seen.add(key);
      if (!sign(':')) fail(words.colon);
      value(path === '' ? key : `${path}.${key}`, depth + 1);
    } while (sign(','));
    if (!sign('}')) fail(words.comma);
  }

  function items(path: string, depth: number): void {
    at += 1;
    if (sign(']')) return;
    let index = 0;
    do {
      space();
      if (text[at] === ']') fail(words.trailing);
      value(path === '' ? String(index) : `${path}.${index}`, depth + 1);
      index += 1;
    } while (sign(','));
    if (!sign(']')) fail(words.comma);
  }

  value('', 1);
  space();
  if (at < text.length) fail(words.more);
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** The line, counted from 1, by binary search. */
function lineAt(starts: readonly number[], at: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}
