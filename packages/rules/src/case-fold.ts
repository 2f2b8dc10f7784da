/** Rewrites a case-insensitive pattern to one without the flag, because V8's linear matcher refuses `i`. */
import { type AST, visitRegExpAST } from '@eslint-community/regexpp';

/**
 * The source of a pattern that matches, without `i`, what `pattern` matches with `i` (no `u`, no `v`):
 * `Ab[c-e]` becomes `[aA][bB][c-eC-E]`. Follows Canonicalize of ECMA-262 22.2.2.7.3.
 * @param pattern the parsed pattern; its `raw` is the source rewritten
 */
export function foldCase(pattern: AST.Pattern): string {
  const edits: { at: number; until: number; text: string }[] = [];
  visitRegExpAST(pattern, {
    onCharacterEnter(node) {
      if (node.parent.type === 'CharacterClassRange') return;
      const inClass = node.parent.type === 'CharacterClass';
      const others = equivalents(node.value).filter((code) => code !== node.value);
      if (others.length === 0) return;
      const added = others.map(escapeCode).join('');
      const text = inClass ? node.raw + added : `[${escapeCode(node.value)}${added}]`;
      edits.push({ at: node.start, until: node.end, text });
    },
    onCharacterClassRangeEnter(node) {
      const added = foldRange(node.min.value, node.max.value);
      if (added !== '') edits.push({ at: node.end, until: node.end, text: added });
    },
  });
  edits.sort((a, b) => a.at - b.at);
  let source = '';
  let copied = pattern.start;
  for (const edit of edits) {
    source += sliceOf(pattern, copied, edit.at) + edit.text;
    copied = edit.until;
  }
  return source + sliceOf(pattern, copied, pattern.end);
}

/** Every UTF-16 code unit that equals `code` when case is ignored, `code` included, ascending. */
export function equivalents(code: number): readonly number[] {
  if (code < 128) {
    const lower = code | 32;
    return lower >= 97 && lower <= 122 ? [lower - 32, lower] : [code];
  }
  return table().classes.get(canonicalize(code)) ?? [code];
}

function canonicalize(code: number): number {
  const upper = String.fromCharCode(code).toUpperCase();
  const single = upper.charCodeAt(0);
  return upper.length !== 1 || (code >= 128 && single < 128) ? code : single;
}

interface Table {
  /** By canonical code unit: the units equal to it, where there is more than one. */
  classes: ReadonlyMap<number, readonly number[]>;
  /** Every unit that has an equal, ascending: about 2,800. */
  cased: readonly number[];
}

/** A–Z and a–z: the table is not needed for them. */
const LETTERS = Array.from({ length: 52 }, (_, i) => (i < 26 ? 65 + i : 71 + i));

let built: Table | undefined;

/** Built at the first non-ASCII letter or range of a case-insensitive rule: 65,536 steps, once. */
function table(): Table {
  if (built !== undefined) return built;
  const classes = new Map<number, number[]>();
  for (let code = 0; code < 0x10000; code++) {
    const key = canonicalize(code);
    const members = classes.get(key);
    if (members === undefined) classes.set(key, [code]);
    else members.push(code);
  }
  for (const [key, members] of classes) if (members.length === 1) classes.delete(key);
  const cased = [...classes.values()].flat().sort((a, b) => a - b);
  built = { classes, cased };
  return built;
}

/** The characters outside `min`–`max` that equal one inside, as class members. */
function foldRange(min: number, max: number): string {
  const codes = new Set<number>();
  for (const code of max < 128 ? LETTERS : table().cased) {
    if (code < min || code > max) continue;
    for (const other of equivalents(code)) if (other < min || other > max) codes.add(other);
  }
  const sorted = [...codes].sort((a, b) => a - b);
  let text = '';
  for (let i = 0; i < sorted.length; ) {
    const first = sorted[i] ?? 0;
    let length = 1;
    while (sorted[i + length] === first + length) length += 1;
    text += escapeCode(first);
    if (length > 1) text += `-${escapeCode(first + length - 1)}`;
    i += length;
  }
  return text;
}

function escapeCode(code: number): string {
  const char = String.fromCharCode(code);
  return /[A-Za-z0-9]/.test(char) ? char : `\\u${code.toString(16).padStart(4, '0')}`;
}

function sliceOf(pattern: AST.Pattern, from: number, until: number): string {
  return pattern.raw.slice(from - pattern.start, until - pattern.start);
}
