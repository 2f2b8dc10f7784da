/** Where functions and globals stand in the module. */

export const SAME = 0;
export const RECORD = 1;
export const EVENT_END = 5;

export const GLOBALS = {
  length: 0,
  part: 1,
  lost: 2,
  /** Of the last line that was an event for sure. */
  messageBegin: 3,
  messageEnd: 4,
} as const;
