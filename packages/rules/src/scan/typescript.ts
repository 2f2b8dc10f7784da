/** The scan in TypeScript: the reference for the one in WebAssembly, and what runs where that cannot. */
import { Arena, arenaBytes } from './arena.ts';
import { isSurelyEvent } from './events.ts';
import {
  CLASSES,
  EVENT,
  FOLDS,
  HIT_BYTES,
  HITS,
  HITS_PER_CURSOR,
  LINE_BYTES,
  LINES,
  LINES_MAX,
  LIST_HEAD_WORDS,
  LITERAL_HEAD_WORDS,
  SLOT_BYTES,
  SLOTS,
  SPOT_BYTES,
  SPOTS,
  SUSPECT,
  TABLES,
  TEXT,
} from './layout.ts';
import type { Scan } from './scan.ts';
import type { Tables } from './tables.ts';

/** Parts of a text that are read at once: while one cursor waits for memory, the others go on. */
const CURSORS = 4;
/** Half as many cursors as in WebAssembly: each has the room of two. */
const SLOT_WORDS = (SLOT_BYTES * 2) / 4;
const ROW = 0x7fff_ffff;
const LINE_FEED = 10;
const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const KEY = Buffer.from('"message"');
const OPENED = Buffer.from(':"');

export class TypescriptScan implements Scan {
  readonly kind = 'typescript';
  readonly arena: Arena;
  readonly #rows: Int32Array;
  readonly #overlap: number;
  readonly #classes: Uint8Array;
  readonly #slots: Int32Array;
  /** By cursor: its row, and its hits so far. */
  readonly #at = new Int32Array(CURSORS);
  readonly #found = new Int32Array(CURSORS);
  #length = 0;
  #part = 0;
  #lost = false;

  constructor(
    tables: Tables,
    arena = new Arena(new ArrayBuffer((arenaBytes(tables) + 7) & ~7), tables),
  ) {
    this.arena = arena;
    this.#rows = arena.words.subarray(TABLES >> 2);
    this.#slots = arena.words.subarray(SLOTS >> 2, (SLOTS >> 2) + CURSORS * SLOT_WORDS);
    this.#classes = arena.bytes.subarray(CLASSES, CLASSES + 256);
    this.#overlap = tables.windowChars - 1;
  }

  scan(length: number): number {
    const part = (length + CURSORS - 1) >> 2;
    this.#length = length;
    this.#part = part;
    this.#lost = false;
    this.#found.fill(0);
    const at = this.#at;
    at.fill(0);
    const { bytes } = this.arena;
    for (let cursor = 0; cursor < CURSORS; cursor++) {
      const from = TEXT + cursor * part;
      bytes.copyWithin(SLOTS + cursor * SLOT_WORDS * 4, from, from + part + this.#overlap + 3);
    }
    const end = part + this.#overlap;
    for (let read = 0; read < end; ) {
      read = advance(this.#rows, this.#classes, this.#slots, at, read, end);
      for (let cursor = 0; cursor < CURSORS; cursor++) {
        const row = at[cursor] ?? 0;
        if (row >= 0) continue;
        at[cursor] = row & ROW;
        this.#record(read + cursor * part, row & ROW, cursor);
      }
    }
    return this.#lost ? -1 : this.#gather();
  }

  /**
   * Every hit in the order of the text, one at a time: what `scan` cannot hold. `visit` gets the literal and
   * where it begins.
   */
  scanInOrder(length: number, visit: (literal: number, start: number) => void): void {
    const { text } = this.arena;
    let row = 0;
    this.#length = length;
    for (let at = 0; at < length; at++) {
      row = this.#rows[(row + (this.#classes[text[at] ?? 0] ?? 0)) >> 2] ?? 0;
      if (row >= 0) continue;
      row &= ROW;
      this.#endingAt(at + 1, row, Number.POSITIVE_INFINITY, visit);
    }
  }

  findLines(length: number, hits: number): void {
    const { arena } = this;
    const text = arena.text.subarray(0, length);
    let line = 0;
    let begin = 0;
    let end = -1;
    for (let hit = 0; hit < hits; hit++) {
      const start = arena.startOf(hit);
      while (end < start) {
        if (end >= 0) {
          line += 1;
          begin = end + 1;
        }
        const next = text.indexOf(LINE_FEED, begin);
        end = next < 0 ? length : next;
      }
      arena.words.set([line, begin, end], (SPOTS + hit * SPOT_BYTES) >> 2);
    }
  }

  gatherMessages(length: number): number {
    const { bytes, words, text: room } = this.arena;
    const text = room.subarray(0, length);
    let escape = text.indexOf(BACKSLASH);
    let key = text.indexOf(KEY);
    let lines = 0;
    let out = 0;
    for (let begin = 0; begin < length; lines++) {
      if (lines === LINES_MAX) return -1;
      const feed = text.indexOf(LINE_FEED, begin);
      const end = feed < 0 ? length : feed;
      let known = escape < begin || escape >= end;
      if (!known) escape = text.indexOf(BACKSLASH, end);
      const value = key + KEY.length + OPENED.length;
      let keys = 0;
      for (; key >= 0 && key < end; keys++) key = text.indexOf(KEY, key + KEY.length);
      known &&= keys === 1 && OPENED.equals(text.subarray(value - OPENED.length, value));
      const close = known ? text.subarray(value, end).indexOf(QUOTE) : -1;
      let mark = close >= 0 ? 0 : SUSPECT;
      if (close >= 0 && isSurelyEvent(text.toString('latin1', begin, end))) {
        mark = EVENT;
      }
      if (close >= 0) {
        text.copyWithin(out, value, value + close);
        out += close;
      }
      const word = (LINES + lines * LINE_BYTES) >> 2;
      words[word] = end | mark;
      words[word + 1] = out;
      bytes[TEXT + out] = LINE_FEED;
      out += 1;
      begin = end + 1;
    }
    return lines;
  }

  #record(end: number, row: number, cursor: number): void {
    const { words } = this.arena;
    // A window that begins in the next cursor's part is that cursor's.
    const stop = (cursor + 1) * this.#part;
    this.#endingAt(end, row, stop, (literal, start) => {
      const found = this.#found[cursor] ?? 0;
      if (found === HITS_PER_CURSOR) {
        this.#lost = true;
        return;
      }
      const to = (HITS + (cursor * HITS_PER_CURSOR + found) * HIT_BYTES) >> 2;
      words[to] = literal;
      words[to + 1] = start;
      this.#found[cursor] = found + 1;
    });
  }

  /** Visits each literal of which a window that begins before `stop` ends at `end`, and the rest stands around it. */
  #endingAt(
    end: number,
    from: number,
    stop: number,
    visit: (literal: number, start: number) => void,
  ): void {
    const rows = this.#rows;
    for (let row = from; row !== 0; row = rows[(row >> 2) + 1] ?? 0) {
      const list = (rows[row >> 2] ?? 0) >> 2;
      if (list === 0 || end - (rows[list + 1] ?? 0) >= stop) continue;
      let at = list + LIST_HEAD_WORDS;
      for (let left = rows[list] ?? 0; left > 0; left--) {
        const start = end - (rows[at + 1] ?? 0);
        const length = rows[at + 2] ?? 0;
        const fold = rows[at + 3] === 1;
        const bytes = at + LITERAL_HEAD_WORDS;
        if (start >= 0 && start + length <= this.#length) {
          this.arena.countComparison();
          if (this.#stands(start, length, bytes * 4, fold)) visit(rows[at] ?? 0, start);
        }
        at = bytes + ((length + 3) >> 2);
      }
    }
  }

  #stands(start: number, length: number, literal: number, fold: boolean): boolean {
    const { bytes } = this.arena;
    const text = TEXT + start;
    const wanted = TABLES + literal;
    for (let i = 0; i < length; i++) {
      const byte = bytes[text + i] ?? 0;
      if ((fold ? bytes[FOLDS + byte] : byte) !== bytes[wanted + i]) return false;
    }
    return true;
  }

  /** Puts the hits of all cursors one after the other. */
  #gather(): number {
    const { words } = this.arena;
    let total = this.#found[0] ?? 0;
    for (let cursor = 1; cursor < CURSORS; cursor++) {
      const found = this.#found[cursor] ?? 0;
      const from = (HITS + cursor * HITS_PER_CURSOR * HIT_BYTES) >> 2;
      if (found > 0) words.copyWithin((HITS + total * HIT_BYTES) >> 2, from, from + found * 2);
      total += found;
    }
    return total;
  }
}

/**
 * Moves all cursors from `from` characters into their parts to `end` or a little beyond, or to behind the
 * first character at which one of them gets to a row where literals end. Nothing else is done here: the
 * loop is all there is to optimise. Four characters are read at once, the lowest byte first, as every
 * processor that OPMAS runs on has it in memory.
 * @param slots the cursors' parts, `SLOT_WORDS` apart
 * @param at the cursors' rows, taken from there and put back
 * @returns how many characters each cursor has read now
 */
function advance(
  rows: Int32Array,
  classes: Uint8Array,
  slots: Int32Array,
  at: Int32Array,
  from: number,
  end: number,
): number {
  let row0 = at[0] ?? 0;
  let row1 = at[1] ?? 0;
  let row2 = at[2] ?? 0;
  let row3 = at[3] ?? 0;
  let read = from;
  while (read < end) {
    const word = read >> 2;
    const four0 = slots[word] ?? 0;
    const four1 = slots[word + SLOT_WORDS] ?? 0;
    const four2 = slots[word + 2 * SLOT_WORDS] ?? 0;
    const four3 = slots[word + 3 * SLOT_WORDS] ?? 0;
    if ((read & 3) !== 0) {
      // Behind a hit: one character at a time up to the next four.
      const shift = (read & 3) << 3;
      row0 = rows[(row0 + (classes[(four0 >> shift) & 255] ?? 0)) >> 2] ?? 0;
      row1 = rows[(row1 + (classes[(four1 >> shift) & 255] ?? 0)) >> 2] ?? 0;
      row2 = rows[(row2 + (classes[(four2 >> shift) & 255] ?? 0)) >> 2] ?? 0;
      row3 = rows[(row3 + (classes[(four3 >> shift) & 255] ?? 0)) >> 2] ?? 0;
      read += 1;
      if ((row0 | row1 | row2 | row3) < 0) break;
      continue;
    }
    row0 = rows[(row0 + (classes[four0 & 255] ?? 0)) >> 2] ?? 0;
    row1 = rows[(row1 + (classes[four1 & 255] ?? 0)) >> 2] ?? 0;
    row2 = rows[(row2 + (classes[four2 & 255] ?? 0)) >> 2] ?? 0;
    row3 = rows[(row3 + (classes[four3 & 255] ?? 0)) >> 2] ?? 0;
    if ((row0 | row1 | row2 | row3) < 0) {
      read += 1;
      break;
    }
    row0 = rows[(row0 + (classes[(four0 >> 8) & 255] ?? 0)) >> 2] ?? 0;
    row1 = rows[(row1 + (classes[(four1 >> 8) & 255] ?? 0)) >> 2] ?? 0;
    row2 = rows[(row2 + (classes[(four2 >> 8) & 255] ?? 0)) >> 2] ?? 0;
    row3 = rows[(row3 + (classes[(four3 >> 8) & 255] ?? 0)) >> 2] ?? 0;
    if ((row0 | row1 | row2 | row3) < 0) {
      read += 2;
      break;
    }
    row0 = rows[(row0 + (classes[(four0 >> 16) & 255] ?? 0)) >> 2] ?? 0;
    row1 = rows[(row1 + (classes[(four1 >> 16) & 255] ?? 0)) >> 2] ?? 0;
    row2 = rows[(row2 + (classes[(four2 >> 16) & 255] ?? 0)) >> 2] ?? 0;
    row3 = rows[(row3 + (classes[(four3 >> 16) & 255] ?? 0)) >> 2] ?? 0;
    if ((row0 | row1 | row2 | row3) < 0) {
      read += 3;
      break;
    }
    row0 = rows[(row0 + (classes[four0 >>> 24] ?? 0)) >> 2] ?? 0;
    row1 = rows[(row1 + (classes[four1 >>> 24] ?? 0)) >> 2] ?? 0;
    row2 = rows[(row2 + (classes[four2 >>> 24] ?? 0)) >> 2] ?? 0;
    row3 = rows[(row3 + (classes[four3 >>> 24] ?? 0)) >> 2] ?? 0;
    read += 4;
    if ((row0 | row1 | row2 | row3) < 0) break;
  }
  at[0] = row0;
  at[1] = row1;
  at[2] = row2;
  at[3] = row3;
  return read;
}
