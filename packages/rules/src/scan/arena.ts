/** The memory both scans work on: the tables of one rule set, the text, and the hits found in it. */
import {
  CLASSES,
  COMPARED,
  EVENT,
  FOLDS,
  HIT_BYTES,
  HITS,
  LINE_BYTES,
  LINES,
  MESSAGE_KEY,
  SPOT_BYTES,
  SPOTS,
  SUSPECT,
  TABLES,
  TEXT,
  TEXT_BYTES,
} from './layout.ts';
import { lower, type Tables } from './tables.ts';

/** Bytes an arena for `tables` needs. */
export function arenaBytes(tables: Tables): number {
  return TABLES + tables.image.length;
}

export class Arena {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** Room for the text: `TEXT_BYTES`. */
  readonly text: Buffer;

  /** Writes `tables` into `memory`, of `arenaBytes` or more. */
  constructor(memory: ArrayBuffer, tables: Tables) {
    this.bytes = new Uint8Array(memory);
    this.words = new Int32Array(memory, 0, memory.byteLength >> 2);
    this.text = Buffer.from(memory, TEXT, TEXT_BYTES);
    this.bytes.set(tables.classes, CLASSES);
    for (let code = 0; code < 256; code++) this.bytes[FOLDS + code] = lower(code);
    this.bytes.set(Buffer.from('"message'), MESSAGE_KEY);
    this.bytes.set(tables.image, TABLES);
  }

  /** Literals compared with a text so far: what a choice of windows is judged by. */
  get compared(): number {
    return (this.words[COMPARED >> 2] ?? 0) >>> 0;
  }

  countComparison(): void {
    this.words[COMPARED >> 2] = (this.words[COMPARED >> 2] ?? 0) + 1;
  }

  /** The literal of a hit, by the hit's place in the order of the text. */
  literalOf(hit: number): number {
    return this.words[(HITS + hit * HIT_BYTES) >> 2] ?? 0;
  }

  /** Where the literal begins in the text. */
  startOf(hit: number): number {
    return this.words[(HITS + hit * HIT_BYTES + 4) >> 2] ?? 0;
  }

  /** Number of the hit's line, once lines have been looked for. */
  lineOf(hit: number): number {
    return this.words[(SPOTS + hit * SPOT_BYTES) >> 2] ?? 0;
  }

  lineBeginOf(hit: number): number {
    return this.words[(SPOTS + hit * SPOT_BYTES + 4) >> 2] ?? 0;
  }

  lineEndOf(hit: number): number {
    return this.words[(SPOTS + hit * SPOT_BYTES + 8) >> 2] ?? 0;
  }

  /** Where a line ended, by its number, once messages have been gathered. */
  endOf(line: number): number {
    return (this.words[(LINES + line * LINE_BYTES) >> 2] ?? 0) & ~(SUSPECT | EVENT);
  }

  /** Is the line an event for sure? Known where messages were gathered from events that were judged. */
  isEvent(line: number): boolean {
    return ((this.words[(LINES + line * LINE_BYTES) >> 2] ?? 0) & EVENT) !== 0;
  }

  /** Where the line's message ends among the messages; the next begins behind the line feed there. */
  messageEndOf(line: number): number {
    return this.words[(LINES + line * LINE_BYTES + 4) >> 2] ?? 0;
  }

  /** Is the line's message not known, or was the line said to be suspect? */
  isSuspect(line: number): boolean {
    return ((this.words[(LINES + line * LINE_BYTES) >> 2] ?? 0) & SUSPECT) !== 0;
  }

  suspect(line: number): void {
    const word = (LINES + line * LINE_BYTES) >> 2;
    this.words[word] = (this.words[word] ?? 0) | SUSPECT;
  }
}
