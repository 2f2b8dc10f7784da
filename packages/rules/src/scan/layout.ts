/** Where everything stands in the memory that both scans work on, in bytes. */

/** Cursors that go over a text at once in WebAssembly; each has a part of the text, and its own hits. */
export const CURSORS = 8;
/** Characters of a window at most: what two neighbouring cursors both read is one less. */
export const WINDOW_MAX = 16;
/** Hits of one cursor before the text is given to the scan without a list. */
export const HITS_PER_CURSOR = 1_024;
/** Text of one scan. */
export const TEXT_BYTES = 256 * 1024;
/** A vector, or eight bytes compared at once, may be read beyond the end of what is meant. */
const SLACK = 64;

/** By byte: where in a row its class stands, in bytes. */
export const CLASSES = 0;
/** By byte: its lower case. */
export const FOLDS = 256;
/** By cursor, one word: where its next hit goes. */
export const FREE = 512;
/** One word that only grows, and wraps: literals compared with the text, found or not. */
export const COMPARED = FREE + 4 * CURSORS;
/** The first eight bytes of what names an event's message. */
export const MESSAGE_KEY = COMPARED + 12;
/** Pairs of 32-bit numbers: literal, and where it begins in the text. */
export const HITS = 1_024;
export const HIT_BYTES = 8;
/** Beside each hit, in text of lines: number of its line, where that begins and ends. */
export const SPOTS = HITS + CURSORS * HITS_PER_CURSOR * HIT_BYTES;
export const SPOT_BYTES = 12;
/**
 * Of a text of events, a pair of words for each line: where it ends and whether it is suspect; where its message
 * ends among the messages.
 */
export const LINES = SPOTS + CURSORS * HITS_PER_CURSOR * SPOT_BYTES;
/** Lines of a text at most: twice what a message has of events. */
export const LINES_MAX = 2_048;
/** Set in the first word of a line whose message is not known, or has a hit. */
export const SUSPECT = 1 << 30;
/** Set in the first word of a line that is an event for sure. */
export const EVENT = 1 << 29;
export const LINE_BYTES = 8;
export const TEXT = LINES + LINE_BYTES * LINES_MAX;
/**
 * A copy of each cursor's part at a fixed distance, so that one pointer serves all. The distance is no
 * multiple of 4,096: eight streams would then fight for the same few lines of the processor's cache.
 */
export const SLOTS = TEXT + TEXT_BYTES + SLACK;
export const SLOT_BYTES = TEXT_BYTES / CURSORS + 9 * SLACK;
/** The rule set's tables; see `tables.ts`. Addresses inside count from here. */
export const TABLES = SLOTS + CURSORS * SLOT_BYTES;

/**
 * A row of the automaton: the address of its list of literals (0: none), that of the row of its longest
 * suffix with a list (0: none), then by class the next row. The two words stand in front, near the classes
 * most in use: when a row is reached at which literals end, they are in the cache already.
 */
export const ROW_HEAD_WORDS = 2;
/** Set in the address of a row at which literals end: as a sign, one test serves all cursors. */
export const ACCEPTS = 0x8000_0000;
/** Classes at most: the place of the last in a row, in bytes, fits a byte. */
export const CLASSES_MAX = 62;
/** A list: how many literals, and the window's length; then the literals. */
export const LIST_HEAD_WORDS = 2;
/**
 * A literal: its number, where in it the window ends, its length, 1 to ignore case; then its bytes, up to a
 * whole word. All in one place: each further address would be a wait for memory.
 */
export const LITERAL_HEAD_WORDS = 4;
