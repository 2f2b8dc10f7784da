/** Builds the automaton over the chosen windows, as one block that either scan reads. */
import type { LiteralSet } from '../choose/literals.ts';
import type { Traffic } from '../choose/traffic.ts';
import { chooseWindows, type Needle } from '../choose/windows.ts';
import { limits } from '../limits.ts';
import {
  ACCEPTS,
  CLASSES_MAX,
  LIST_HEAD_WORDS,
  LITERAL_HEAD_WORDS,
  ROW_HEAD_WORDS,
  WINDOW_MAX,
} from './layout.ts';
import { Trie } from './trie.ts';

export interface Tables {
  /** By byte: where in a row its class stands, in bytes. */
  classes: Uint8Array;
  /** The rows of the automaton, root first, then the lists of literals; see `layout.ts`. Addresses count from its begin. */
  image: Uint8Array<ArrayBuffer>;
  /** Length of the longest window. */
  windowChars: number;
  /** By literal: the rules to be tried when it stands in a text, ascending. */
  rulesOf: readonly (readonly number[])[];
  /** By literal: its length. */
  literalLengths: Int32Array;
  /** Rules to be tried on every text, ascending. */
  always: readonly number[];
}

/**
 * Tables for `choices` (by rule, the sets of literals to choose from). Windows get shorter until all fit.
 * Yields every few milliseconds of work, so that a large set can be built beside other work.
 * @param room words of the automaton's rows at most; rules that find none are tried on every text
 */
export function* buildTables(
  choices: readonly (readonly LiteralSet[])[],
  traffic: Traffic,
  room: number = limits.automatonEntries,
): Generator<void, Tables> {
  for (let chars: number = limits.windowChars; ; chars -= 2) {
    const { needles, always } = yield* chooseWindows(choices, traffic, chars);
    yield;
    const classes = classify(needles);
    yield;
    const width = 1 + Math.max(0, ...classes);
    const roomFor = Math.floor(room / (width + ROW_HEAD_WORDS));
    const trie = new Trie(
      needles.reduce((sum, { length }) => sum + length, 1),
      roomFor,
    );
    const planted: Needle[] = [];
    const left: Needle[] = [];
    for (const [index, needle] of needles.entries()) {
      if (index % limits.rulesPerSlice === limits.rulesPerSlice - 1) yield;
      (trie.plant(windowClasses(needle, classes), planted.length) ? planted : left).push(needle);
    }
    // Fewer characters in a window: fewer states, more candidates.
    if (left.length > 0 && chars - 2 >= limits.literalMinChars) continue;
    const untold = left.flatMap(({ rules }) => rules);
    return {
      image: yield* lay(trie, planted, width),
      classes: classes.map((kind) => 4 * (kind + ROW_HEAD_WORDS)),
      windowChars: Math.min(WINDOW_MAX, Math.max(1, ...planted.map(({ length }) => length))),
      rulesOf: planted.map(({ rules }) => rules),
      literalLengths: Int32Array.from(planted, ({ literal }) => literal.text.length),
      always: [...new Set([...always, ...untold])].sort((a, b) => a - b),
    };
  }
}

/** Rows that are marked at a stretch: less than a millisecond. */
const ROWS_PER_SLICE = 4_096;

/** Gives each character of the windows a class from 1 on, all others 0; the rarest share when there are too many. */
function classify(needles: readonly Needle[]): Uint8Array {
  const uses = new Float64Array(256);
  for (const { literal, at, length } of needles) {
    for (let i = at; i < at + length; i++) {
      const code = lower(literal.text.charCodeAt(i));
      uses[code] = (uses[code] ?? 0) + 1;
    }
  }
  const used = [...uses.keys()].filter((code) => (uses[code] ?? 0) > 0);
  used.sort((a, b) => (uses[b] ?? 0) - (uses[a] ?? 0));
  const classes = new Uint8Array(256);
  for (const [rank, code] of used.entries()) {
    classes[code] = Math.min(rank + 1, CLASSES_MAX - 1);
    if (code >= 97 && code <= 122) classes[code - 32] = classes[code] ?? 0;
  }
  return classes;
}

function windowClasses({ literal, at, length }: Needle, classes: Uint8Array): number[] {
  return Array.from({ length }, (_, i) => classes[literal.text.charCodeAt(at + i)] ?? 0);
}

function* lay(
  trie: Trie,
  planted: readonly Needle[],
  width: number,
): Generator<void, Uint8Array<ArrayBuffer>> {
  yield;
  const order = trie.breadthFirst();
  yield;
  const rowWords = ROW_HEAD_WORDS + width;
  const states = order.length;
  const lists = new ListWriter(states * rowWords, planted);
  const image = new Uint8Array(4 * lists.endAfter(order, trie) + 8);
  yield;
  const words = new Int32Array(image.buffer);
  const rowOf = new Int32Array(trie.size);
  for (const [place, node] of order.entries()) rowOf[node] = place * rowWords;
  // By place in the order: the row of the longest proper suffix that is a state.
  const suffix = new Int32Array(states);
  const accepts = new Uint8Array(states);
  for (const [place, node] of order.entries()) {
    if (place % limits.rulesPerSlice === limits.rulesPerSlice - 1) yield;
    const row = place * rowWords;
    const back = suffix[place] ?? 0;
    // A shorter suffix stands before in this order, so its row is whole but for the marks.
    if (place > 0) {
      words.copyWithin(row + ROW_HEAD_WORDS, back + ROW_HEAD_WORDS, back + rowWords);
      words[row + 1] = words[back] === 0 ? (words[back + 1] ?? 0) : back * 4;
    }
    const literals = trie.literalsOf(node);
    if (literals.length > 0) words[row] = lists.write(words, literals, trie.depthOf(node));
    accepts[place] = words[row] === 0 && words[row + 1] === 0 ? 0 : 1;
    for (const child of trie.childrenOf(node)) {
      const childRow = rowOf[child] ?? 0;
      const at = row + ROW_HEAD_WORDS + trie.kindOf(child);
      suffix[childRow / rowWords] = place === 0 ? 0 : (words[at] ?? 0) / 4;
      words[at] = childRow * 4;
    }
  }
  for (let row = 0; row < states * rowWords; row += rowWords) {
    if ((row / rowWords) % ROWS_PER_SLICE === ROWS_PER_SLICE - 1) yield;
    for (let at = row + ROW_HEAD_WORDS; at < row + rowWords; at++) {
      const next = words[at] ?? 0;
      if (accepts[next / 4 / rowWords] === 1) words[at] = next | ACCEPTS;
    }
  }
  return image;
}

/** Writes lists of literals one behind the other. */
class ListWriter {
  readonly #literals: readonly Needle[];
  #next: number;

  /** @param begin word at which the first list begins */
  constructor(begin: number, literals: readonly Needle[]) {
    this.#next = begin;
    this.#literals = literals;
  }

  /** The word behind the last list, when those of all nodes are written. */
  endAfter(nodes: Int32Array, trie: Trie): number {
    let end = this.#next;
    for (const node of nodes) {
      const literals = trie.literalsOf(node);
      if (literals.length > 0) end += LIST_HEAD_WORDS;
      for (const literal of literals) {
        end += LITERAL_HEAD_WORDS + wordsOf(this.#literals[literal]?.literal.text.length ?? 0);
      }
    }
    return end;
  }

  /** Answers the list's address. */
  write(words: Int32Array, literals: readonly number[], windowLength: number): number {
    const list = this.#next;
    words[list] = literals.length;
    words[list + 1] = windowLength;
    let next = list + LIST_HEAD_WORDS;
    for (const index of literals) {
      const needle = this.#literals[index];
      if (needle === undefined) continue;
      const { text, fold } = needle.literal;
      words.set([index, needle.at + needle.length, text.length, fold ? 1 : 0], next);
      next += LITERAL_HEAD_WORDS;
      const bytes = new Uint8Array(words.buffer, next * 4, text.length);
      for (let i = 0; i < text.length; i++) {
        bytes[i] = fold ? lower(text.charCodeAt(i)) : text.charCodeAt(i);
      }
      next += wordsOf(text.length);
    }
    this.#next = next;
    return list * 4;
  }
}

function wordsOf(bytes: number): number {
  return (bytes + 3) >> 2;
}

/** The lower case of an ASCII letter; any other character as it is. */
export function lower(code: number): number {
  return code >= 65 && code <= 90 ? code | 32 : code;
}
