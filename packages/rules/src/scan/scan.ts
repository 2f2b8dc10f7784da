/** What finds the literals of a rule set in a text; one in TypeScript, one in WebAssembly, the same answers. */
import type { Arena } from './arena.ts';

export interface Scan {
  readonly kind: 'webassembly' | 'typescript';
  readonly arena: Arena;
  /**
   * Looks at the first `length` bytes of the arena's text.
   * @returns how many hits the arena now holds: each occurrence of each literal once, those whose windows
   *   begin earlier first; -1 when there were more than it can hold
   */
  scan(length: number): number;
  /** After `scan`: finds each hit's line, the text consisting of lines. */
  findLines(length: number, hits: number): void;
  /**
   * Takes the first `length` bytes of the arena's text for events, one JSON object a line, and leaves there their
   * messages alone, each followed by a line feed. A line is suspect, and its message empty, where that is not
   * known for sure: it holds a backslash, or `"message"` not exactly once, or not followed by `:"` at once. Of any
   * other, if it is an event at all, the message is known; where its bytes prove that it is one, it is marked.
   * @returns how many lines the arena now knows; -1 when there are more than it can hold
   */
  gatherMessages(length: number): number;
}
