/** One set of tables at work: from messages to the rules that match them. */
import { type LogEvent, type Rule, limits as wire } from '@opmas/protocol';
import { Candidates } from './candidates.ts';
import { createScan, type ScanKind } from './scan/create.ts';
import { TEXT_BYTES } from './scan/layout.ts';
import type { Scan } from './scan/scan.ts';
import type { Tables } from './scan/tables.ts';
import { TypescriptScan } from './scan/typescript.ts';
import type { Rest, Turn } from './turn.ts';
import { type CompiledRule, type Match, matchOf, type Subject, verify } from './verify.ts';

/** The matches of one event of a batch, or of one line. */
export interface EventMatches {
  /** The event's place in the batch; the line's number, from 0. */
  index: number;
  matches: Match[];
}

/** Which part of a list of texts is matched, and for how long. */
interface Part {
  /** The number of the first text. */
  firstIndex?: number;
  /** Where to begin. */
  from?: number;
  turn?: Turn | undefined;
}

/** Bytes of a line that hold the characters which rules look at, whatever they are. */
const LINE_BYTES = wire.matchedChars * 3;
const LINE_FEED = 10;

/** Lines of a text of events that was looked through. */
export interface SuspectLines {
  count: number;
  /** By a line's number, from 0: where its line feed is, or the text ends. */
  endOf(line: number): number;
  /** May the line's event match? */
  isSuspect(line: number): boolean;
  /** Is it an event for sure? Known only of lines whose message is. */
  isEvent(line: number): boolean;
  /** A character for each byte; '' where it is not known. */
  messageOf(line: number): string;
}

export class Matcher {
  readonly #rules: readonly CompiledRule[];
  /** By rule: 1 when its literal's bytes prove the match, and nothing else is asked. */
  readonly #proven: Uint8Array;
  readonly #plainRules: readonly Rule[];
  readonly #candidates: Candidates;
  readonly #scan: Scan;
  readonly #literalLengths: Tables['literalLengths'];
  /** Scans what the other cannot hold; over the same memory. */
  readonly #inOrder: TypescriptScan;
  /** Where each text of the present scan begins, and the last ends. */
  #begins = new Int32Array(1_025);
  /** Rules that were tried on a text. */
  looks = 0;

  constructor(rules: readonly CompiledRule[], tables: Tables, kind: ScanKind) {
    this.#rules = rules;
    this.#proven = Uint8Array.from(rules, ({ exact, conditions }) =>
      exact && conditions.length === 0 ? 1 : 0,
    );
    this.#plainRules = rules.map(({ rule }) => rule);
    this.#candidates = new Candidates(tables, rules.length);
    this.#scan = createScan(tables, kind);
    this.#literalLengths = tables.literalLengths;
    this.#inOrder =
      this.#scan instanceof TypescriptScan
        ? this.#scan
        : new TypescriptScan(tables, this.#scan.arena);
  }

  /** Literals of which a window was found, and the rest compared: what a choice of windows is judged by. */
  get compared(): number {
    return this.#scan.arena.compared;
  }

  get kind(): Scan['kind'] {
    return this.#scan.kind;
  }

  /** Matches messages; `eventAt` gives what conditions ask, where there are events. */
  matchTexts(
    texts: readonly string[],
    eventAt: (index: number) => LogEvent | undefined,
    result: EventMatches[],
    { firstIndex = 0, from: begin = 0, turn }: Part = {},
  ): void {
    for (let from = begin; from < texts.length && turn?.stoppedAt === undefined; ) {
      let until = from;
      let bytes = 0;
      for (; until < texts.length; until++) {
        const length = Math.min(texts[until]?.length ?? 0, wire.matchedChars);
        if (bytes + length > TEXT_BYTES) break;
        bytes += length;
      }
      this.#matchSome(texts, from, until, eventAt, result, { firstIndex, turn });
      from = until;
    }
  }

  /** Matches the lines of `bytes`, UTF-8; the last may lack its line feed. */
  matchLines(bytes: Uint8Array, result: EventMatches[]): void {
    let line = 0;
    for (let from = 0; from < bytes.length; ) {
      const end = segmentEnd(bytes, from);
      if (end > from) {
        const segment = bytes.subarray(from, end);
        this.#matchSegment(segment, line, result);
        if (end < bytes.length) line += countLines(segment);
        from = end;
      } else {
        // One line that does not fit: only its beginning counts.
        const next = bytes.indexOf(LINE_FEED, from);
        this.matchTexts([decode(bytes, from, from + LINE_BYTES)], noEvent, result, {
          firstIndex: line,
        });
        line += 1;
        from = next < 0 ? bytes.length : next + 1;
      }
    }
  }

  /** The lines of `bytes`, an event each; suspect is one whose message is not known, or holds a literal. */
  suspectLines(bytes: Uint8Array): SuspectLines | undefined {
    if (bytes.length > TEXT_BYTES || this.#candidates.everyMessage) return undefined;
    const { arena } = this.#scan;
    arena.text.set(bytes);
    const count = this.#scan.gatherMessages(bytes.length);
    if (count < 0) return undefined;
    const hits = this.#scan.scan(arena.messageEndOf(count - 1));
    if (hits < 0) return undefined;
    let line = 0;
    for (let hit = 0; hit < hits; hit++) {
      const start = arena.startOf(hit);
      // Hits are in the order of their windows: one may begin before the one that came first.
      while (line > 0 && start <= arena.messageEndOf(line - 1)) line -= 1;
      while (line < count - 1 && start > arena.messageEndOf(line)) line += 1;
      arena.suspect(line);
    }
    return {
      count,
      endOf: (each) => arena.endOf(each),
      isSuspect: (each) => arena.isSuspect(each),
      isEvent: (each) => arena.isEvent(each),
      messageOf: (each) => {
        const begin = each === 0 ? 0 : arena.messageEndOf(each - 1) + 1;
        return arena.text.toString('latin1', begin, arena.messageEndOf(each));
      },
    };
  }

  #matchSome(
    texts: readonly string[],
    from: number,
    until: number,
    eventAt: (index: number) => LogEvent | undefined,
    result: EventMatches[],
    { firstIndex, turn }: { firstIndex: number; turn: Turn | undefined },
  ): void {
    const length = this.#write(texts, from, until);
    const begins = this.#begins;
    const count = until - from;
    let place = 0;
    const finish = () => {
      const index = from + place;
      const matches = this.#verifyText(texts[index] ?? '', eventAt, index, turn);
      if (matches !== undefined) result.push({ index: firstIndex + index, matches });
    };
    let open = this.#candidates.everyMessage;
    const hit = (literal: number, start: number) => {
      while (start >= (begins[place + 1] ?? 0)) {
        if (open) finish();
        open = this.#candidates.everyMessage;
        place += 1;
      }
      const end = start + (this.#literalLengths[literal] ?? 0);
      // A literal may stand across the border of two messages: it stands in neither.
      if (start < (begins[place] ?? 0) || end > (begins[place + 1] ?? 0)) return;
      this.#candidates.add(literal);
      open = true;
    };
    const hits = this.#scan.scan(length);
    const { arena } = this.#scan;
    if (hits < 0) this.#inOrder.scanInOrder(length, hit);
    else for (let i = 0; i < hits; i++) hit(arena.literalOf(i), arena.startOf(i));
    if (open) finish();
    if (this.#candidates.everyMessage) {
      for (place += 1; place < count; place++) finish();
    }
  }

  /** Puts the texts one behind the other, one byte for each UTF-16 unit: a literal is ASCII. */
  #write(texts: readonly string[], from: number, until: number): number {
    if (until - from >= this.#begins.length) this.#begins = new Int32Array(2 * (until - from) + 1);
    const begins = this.#begins;
    const { text } = this.#scan.arena;
    begins[0] = 0;
    if (until - from === 1) {
      const only = cut(texts[from] ?? '');
      begins[1] = only.length;
      return text.write(only, 0, 'latin1');
    }
    let joined = '';
    for (let i = from; i < until; i++) {
      joined += cut(texts[i] ?? '');
      begins[i - from + 1] = joined.length;
    }
    return text.write(joined, 0, 'latin1');
  }

  #matchSegment(segment: Uint8Array, firstLine: number, result: EventMatches[]): void {
    const { arena } = this.#scan;
    arena.text.set(segment);
    const hits = this.#candidates.everyMessage ? -1 : this.#scan.scan(segment.length);
    if (hits < 0) {
      const lines = decode(segment, 0, segment.length).split('\n');
      if (lines.at(-1) === '') lines.pop();
      this.matchTexts(lines, noEvent, result, { firstIndex: firstLine });
      return;
    }
    if (hits === 0) return;
    this.#scan.findLines(segment.length, hits);
    for (let hit = 0; hit < hits; ) {
      const line = arena.lineOf(hit);
      const begin = arena.lineBeginOf(hit);
      const end = arena.lineEndOf(hit);
      for (; hit < hits && arena.lineOf(hit) === line; hit++) {
        const literal = arena.literalOf(hit);
        const start = arena.startOf(hit);
        if (start >= begin && start + (this.#literalLengths[literal] ?? 0) <= end) {
          this.#candidates.add(literal);
        }
      }
      const matches = this.#verifyLine(begin, end);
      if (matches !== undefined) result.push({ index: firstLine + line, matches });
    }
  }

  #verifyText(
    whole: string,
    eventAt: (index: number) => LogEvent | undefined,
    index: number,
    turn: Turn | undefined,
  ): Match[] | undefined {
    // Taken in any case: what is found from here on belongs to the next text.
    const rules = this.#candidates.take();
    if (rules.length === 0 || turn?.stoppedAt !== undefined) return undefined;
    if (turn?.over === true) {
      turn.stoppedAt = index;
      return undefined;
    }
    const subject = { event: eventAt(index), text: cut(whole) };
    return this.#tryRules({ index, rules, matches: undefined }, subject, turn);
  }

  /**
   * Goes on with an event whose rules were not all tried in the turn before.
   * @returns its matches, when no rule is left
   */
  goOn(rest: Rest, event: LogEvent, turn: Turn): Match[] | undefined {
    return this.#tryRules(rest, { event, text: cut(event.message) }, turn);
  }

  #tryRules(
    { index, rules, matches: before }: Omit<Rest, 'matches'> & { matches: Match[] | undefined },
    subject: Subject,
    turn: Turn | undefined,
  ): Match[] | undefined {
    let matches = before;
    for (const [place, rule] of rules.entries()) {
      if (turn !== undefined && place > 0 && turn.over) {
        turn.stoppedAt = index;
        turn.rest = { index, rules: rules.slice(place), matches: matches ?? [] };
        return undefined;
      }
      this.looks += 1;
      const candidate = this.#rules[rule];
      const match = candidate === undefined ? undefined : verify(candidate, subject);
      if (match !== undefined) (matches ??= []).push(match);
    }
    return matches;
  }

  #verifyLine(begin: number, end: number): Match[] | undefined {
    const rules = this.#candidates.take();
    this.looks += rules.length;
    // In a longer line the literal may stand behind the characters that count.
    const short = end - begin <= wire.matchedChars;
    let subject: { event: undefined; text: string } | undefined;
    let matches: Match[] | undefined;
    for (const rule of rules) {
      const plain =
        short && this.#proven[rule] === 1 && this.#rules[rule]?.fuse.blown !== true
          ? this.#plainRules[rule]
          : undefined;
      if (plain !== undefined) {
        (matches ??= []).push(matchOf(plain));
        continue;
      }
      const candidate = this.#rules[rule];
      if (candidate === undefined) continue;
      const { text } = this.#scan.arena;
      subject ??= {
        event: undefined,
        text: cut(text.toString('utf8', begin, Math.min(end, begin + LINE_BYTES))),
      };
      const match = verify(candidate, subject);
      if (match !== undefined) (matches ??= []).push(match);
    }
    return matches;
  }
}

function noEvent(): undefined {
  return undefined;
}

function cut(text: string): string {
  return text.length > wire.matchedChars ? text.slice(0, wire.matchedChars) : text;
}

/** The text of some bytes, of which at most 8,192 characters count. */
function decode(bytes: Uint8Array, begin: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', begin, end);
}

/** Where a segment ends that begins at `from`: behind a line feed, or with the bytes; `from`: a line is too long. */
function segmentEnd(bytes: Uint8Array, from: number): number {
  if (bytes.length - from <= TEXT_BYTES) return bytes.length;
  const last = bytes.subarray(from, from + TEXT_BYTES).lastIndexOf(LINE_FEED);
  return from + last + 1;
}

function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1))
    lines += 1;
  return lines;
}
