/** Payload first: looks for the rules' literals in the bytes of a message, and has only the lines read that may match. */
import { limits } from './limits.ts';
import type { SuspectLines } from './matcher.ts';
import type { Ruleset } from './ruleset.ts';

const BRACE = 0x7b;
const SPACE = 32;
const TAB = 9;
const CARRIAGE_RETURN = 13;

export interface ScreenOptions {
  /**
   * Of so many lines that cannot match, and are not proven to be events, one is read all the same, 1 to
   * 1,000,000; by default 100. The others are neither parsed nor validated: what is no event among them is not
   * noticed.
   */
  validateOneIn?: number;
}

/** A line of a payload: its number, from 0, and where it stands in the bytes. */
export interface PayloadLine {
  line: number;
  /** Its number among the lines that are not blank, from 0. */
  part: number;
  begin: number;
  end: number;
}

export interface Screened {
  /** What has to be parsed, validated and matched, ascending. */
  read: PayloadLine[];
  /** Events that match nothing and are not read. */
  skipped: number;
}

export interface ScreenDemands {
  /** The last event is read in any case: what came when is then known, whatever matches. */
  last?: boolean;
}

/**
 * Screens payloads of events, one JSON object a line, for one rule set after the other. Sound: a line is skipped
 * only if it holds no escape, says `"message":"` once, and no literal of any rule stands in what follows up to the
 * next quote. If it is an event at all, that is its message. Events in the form in which OPMAS writes them, without
 * white space or escapes, and with members that the schema names, are proven by their bytes.
 * @example
 * const screen = new PayloadScreen({ validateOneIn: 50 });
 * const screened = screen.screen(ruleset, payload);
 * // undefined: read all. Else: parse screened.read, count screened.skipped as processed.
 */
export class PayloadScreen {
  readonly #validateOneIn: number;
  /** Lines skipped without proof since the last that was read all the same. */
  #since = 0;

  /** @throws {RangeError} when `validateOneIn` is out of range */
  constructor({ validateOneIn = limits.validateOneIn }: ScreenOptions = {}) {
    if (!Number.isInteger(validateOneIn) || validateOneIn < 1 || validateOneIn > 1_000_000) {
      throw new RangeError(
        `validateOneIn is ${validateOneIn}; give a whole number, 1 to 1,000,000`,
      );
    }
    this.#validateOneIn = validateOneIn;
  }

  /**
   * Which lines of `payload` must be read.
   * @returns undefined when all must: it is no list of objects, longer than 256 KiB, or the set has rules
   *   without a literal
   */
  screen(
    ruleset: Ruleset,
    payload: Uint8Array,
    { last = false }: ScreenDemands = {},
  ): Screened | undefined {
    if (payload[0] !== BRACE) return undefined;
    const lines = ruleset.suspectLines(payload);
    return lines === undefined ? undefined : this.#choose(payload, lines, last);
  }

  /** The suspects, and one of so many that are not proven. */
  #choose(payload: Uint8Array, lines: SuspectLines, last: boolean): Screened {
    const read: PayloadLine[] = [];
    const lastLine = last ? lastOf(payload, lines) : -1;
    let begin = 0;
    let part = 0;
    for (let line = 0; line < lines.count; line++) {
      const end = lines.endOf(line);
      if (payload[begin] === BRACE || !isBlank(payload, begin, end)) {
        const mustBeRead =
          lines.isSuspect(line) || line === lastLine || !(lines.isEvent(line) || this.#maySkip());
        if (mustBeRead) read.push({ line, part, begin, end });
        part += 1;
      }
      begin = end + 1;
    }
    return { read, skipped: part - read.length };
  }

  #maySkip(): boolean {
    this.#since += 1;
    if (this.#since < this.#validateOneIn) return true;
    this.#since = 0;
    return false;
  }
}

/** The last line that is not blank; -1 when all are. */
function lastOf(bytes: Uint8Array, lines: SuspectLines): number {
  let line = lines.count - 1;
  const beginOf = (each: number) => (each === 0 ? 0 : lines.endOf(each - 1) + 1);
  while (line >= 0 && isBlank(bytes, beginOf(line), lines.endOf(line))) line -= 1;
  return line;
}

/** Nothing but JSON's white space: no event, and none that was skipped. */
function isBlank(bytes: Uint8Array, begin: number, end: number): boolean {
  for (let at = begin; at < end; at++) {
    const byte = bytes[at];
    if (byte !== SPACE && byte !== TAB && byte !== CARRIAGE_RETURN) return false;
  }
  return true;
}
