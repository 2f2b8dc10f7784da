/** A compiled rule set: which rules match an event. */
import type { LogEvent, Rule } from '@opmas/protocol';
import { Traffic } from './choose/traffic.ts';
import type { DisabledRule, Effort } from './fuse.ts';
import { limits } from './limits.ts';
import { type EventMatches, Matcher, type SuspectLines } from './matcher.ts';
import type { ScanKind } from './scan/create.ts';
import { buildTables, type Tables } from './scan/tables.ts';
import { inSlices } from './slices.ts';
import type { WindowRule } from './stateful/window-rule.ts';
import { type Rest, Turn } from './turn.ts';
import type { CompiledRule, Match } from './verify.ts';

/** What a rule set has done since it was compiled. */
export interface RulesetStats {
  /** Events matched; of lines one for each 128 bytes. */
  events: number;
  /** Literals of which the looked-for part stood in a text, and which were compared with it. */
  compared: number;
  /** Rules tried on a text because a literal of theirs stood there, or because they have none. */
  looks: number;
  /** Times the choice of literals was made anew from the traffic seen. */
  retuned: number;
  scan: 'webassembly' | 'typescript';
}

/** Where a batch goes on that is matched in slices. */
export interface BatchPlace {
  /** The first event whose matches are not all told. */
  index: number;
  /** Of that event, for this rule set alone. */
  begun?: { ruleset: Ruleset; rest: Rest };
}

export interface BatchSlice {
  /** Events that matched anything, by their place in the whole batch. */
  matched: EventMatches[];
  /** Undefined: the batch is done. */
  next: BatchPlace | undefined;
}

/** What a rule set is made of. */
export interface RulesetParts {
  compiled: readonly CompiledRule[];
  windows: readonly WindowRule[];
  tables: Tables;
  effort: Effort;
  scan: ScanKind;
}

/**
 * Made by `compileRules`. What it matches does not change, so it can be swapped for another between two
 * calls; how it looks for it can be tuned to the traffic. A rule looks at the first 8,192 characters of the
 * message (`limits.matchedChars` of the protocol).
 */
export class Ruleset {
  readonly rules: readonly Rule[];
  /** Of the rules that count over time. Their matches are no findings yet: `Windows` makes them so. */
  readonly windows: readonly WindowRule[];
  readonly #compiled: readonly CompiledRule[];
  readonly #kind: ScanKind;
  readonly #effort: Effort;
  /** Tables until the first match, so that a set which is only checked takes less memory. */
  #work: Tables | Matcher;
  #seen: Traffic | undefined;
  #events = 0;
  /** Of matchers that were replaced; and where the present one took over. */
  #looksBefore = 0;
  #comparedBefore = 0;
  #eventsBefore = 0;
  #retuned = 0;
  #tuning: Promise<boolean> | undefined;

  constructor({ compiled, windows, tables, effort, scan }: RulesetParts) {
    const steps = new Set(windows.map(({ second }) => second));
    this.rules = compiled.map(({ rule }) => rule).filter((rule) => !steps.has(rule));
    this.windows = windows;
    this.#compiled = compiled;
    this.#kind = scan;
    this.#work = tables;
    this.#effort = effort;
  }

  /**
   * Every rule that matches `event`, in the order of the rules; each at most once. A substring rule
   * matches when the message includes its pattern, case and all, as in the specification's loop.
   * Never throws; one pass over the text, and a look at each rule of which a literal stands there.
   */
  match(event: LogEvent): Match[] {
    return this.matchBatch([event])[0]?.matches ?? [];
  }

  /** As `match`, for a batch in one scan: the events that matched anything, in the batch's order. */
  matchBatch(events: readonly LogEvent[]): EventMatches[] {
    const texts = events.map(({ message }) => message);
    this.#count(events.length, (place) => texts[place]);
    const result: EventMatches[] = [];
    this.#atWork().matchTexts(texts, (index) => events[index], result);
    return this.#inService(result);
  }

  /**
   * As `matchBatch`, for some milliseconds; then the caller gives the event loop back, and calls again with the
   * place it was told, on this rule set or on the one that has taken its place meanwhile.
   * @example
   * for (let place: BatchPlace | undefined = { index: 0 }; place !== undefined; ) {
   *   const { matched, next } = ruleset.matchSlice(events, place);
   *   // … use `matched`
   *   if (next !== undefined) await setImmediate();
   *   place = next;
   * }
   */
  matchSlice(events: readonly LogEvent[], { index, begun }: BatchPlace): BatchSlice {
    const turn = new Turn(this.#effort);
    const matcher = this.#atWork();
    const matched: EventMatches[] = [];
    let from = index;
    const event = events[index];
    if (begun?.ruleset === this && event !== undefined) {
      const matches = matcher.goOn(begun.rest, event, turn);
      if (matches !== undefined && matches.length > 0) matched.push({ index, matches });
      from += 1;
    }
    const texts = events.map(({ message }) => message);
    const eventAt = (place: number) => events[place];
    if (turn.stoppedAt === undefined) matcher.matchTexts(texts, eventAt, matched, { from, turn });
    const { stoppedAt, rest } = turn;
    this.#count((stoppedAt ?? events.length) - index, (place) => texts[index + place]);
    const next =
      stoppedAt === undefined
        ? undefined
        : { index: stoppedAt, ...(rest === undefined ? {} : { begun: { ruleset: this, rest } }) };
    return { matched: this.#inService(matched), next };
  }

  /**
   * As `matchBatch`, for lines of raw text: each line is a message without fields, so that a rule with
   * conditions matches none. For replays and trials over log files.
   * @param text UTF-8, lines ended by a line feed; any length
   */
  matchLines(text: Uint8Array): EventMatches[] {
    const result: EventMatches[] = [];
    this.#atWork().matchLines(text, result);
    this.#countLines(text);
    return result;
  }

  /**
   * The lines of a text, up to 256 KiB and 2,048 of them, each an event as JSON: on one that is not suspect it
   * matches nothing. Good until the rule set is asked for anything else.
   * @returns undefined when all lines have to be read: there are more, or they hold too many literals, or the
   *   set has rules without one
   */
  suspectLines(text: Uint8Array): SuspectLines | undefined {
    const lines = this.#atWork().suspectLines(text);
    if (lines !== undefined) this.#count(lines.count, (line) => lines.messageOf(line));
    return lines;
  }

  /** Ids of rules whose expression was slow, and is matched by the slower, linear matcher from now on. */
  slowRules(): string[] {
    return this.#compiled.filter(({ regex }) => regex?.slow()).map(({ rule }) => rule.id);
  }

  /** Rules out of service, for their time or by `disable`, in the order in which they went: they match nothing. */
  get disabled(): readonly DisabledRule[] {
    return this.#effort.disabled;
  }

  /** Takes a rule out of service for as long as this rule set lives. A rule that is not there is left alone. */
  disable(ruleId: string, reason: string): void {
    this.#compiled.find(({ rule }) => rule.id === ruleId)?.fuse.blow(reason);
  }

  get stats(): RulesetStats {
    return {
      events: this.#events,
      compared: this.#comparedBefore + this.#done('compared'),
      looks: this.#looksBefore + this.#done('looks'),
      retuned: this.#retuned,
      scan: this.#atWork().kind,
    };
  }

  /**
   * Enough was seen to choose the literals by this traffic instead of by what is typical; or it has changed,
   * and they are common in it: `retune` would make matching faster. Ever more events must pass between one
   * tuning and the next, so that no traffic can force many.
   */
  get wantsTuning(): boolean {
    const events = this.#events - this.#eventsBefore;
    if (events < limits.retuneEvents * 4 ** this.#retuned) return false;
    return this.#retuned === 0 || this.#done('compared') > events * limits.comparedPerEvent;
  }

  /**
   * Chooses the literals anew from the traffic seen, a few milliseconds at a stretch, and changes over
   * between two calls. The answers stay the same.
   * @returns whether it changed over: not before 256 sampled events, and not while it is at it
   */
  retune(): Promise<boolean> {
    this.#tuning ??= this.#retune().finally(() => {
      this.#tuning = undefined;
    });
    return this.#tuning;
  }

  async #retune(): Promise<boolean> {
    const traffic = this.#seen;
    if (traffic === undefined || traffic.lines < limits.retuneLines) return false;
    // Whatever comes of it: a failure must not be repeated with the next event.
    this.#eventsBefore = this.#events;
    const tables = await inSlices(buildTables(this.#choices(), traffic));
    const matcher = new Matcher(this.#compiled, tables, this.#kind);
    this.#looksBefore += this.#done('looks');
    this.#comparedBefore += this.#done('compared');
    this.#work = matcher;
    this.#retuned += 1;
    return true;
  }

  #atWork(): Matcher {
    if (this.#work instanceof Matcher) return this.#work;
    this.#work = new Matcher(this.#compiled, this.#work, this.#kind);
    return this.#work;
  }

  /** What a rule told before it was taken out stands, but not what it counted: it cannot count to the end. */
  #inService(matched: EventMatches[]): EventMatches[] {
    if (this.disabled.length === 0 || this.windows.length === 0) return matched;
    const out = new Set(this.disabled.map(({ rule_id }) => rule_id));
    const counting = new Set(this.windows.flatMap(({ rule, second }) => [rule, second]));
    return matched
      .map(({ index, matches }) => ({
        index,
        matches: matches.filter(({ rule }) => !(out.has(rule.id) && counting.has(rule))),
      }))
      .filter(({ matches }) => matches.length > 0);
  }

  /** Of the matcher at work. */
  #done(what: 'compared' | 'looks'): number {
    return this.#work instanceof Matcher ? this.#work[what] : 0;
  }

  #choices() {
    return this.#compiled.map(({ choices }) => choices);
  }

  #countLines(text: Uint8Array): void {
    this.#count(Math.ceil(text.length / LINE_BYTES), (place) => lineOf(text, place * LINE_BYTES));
  }

  /** Counts events, and looks at one of each 256 to know the traffic. */
  #count(events: number, textAt: (place: number) => string | undefined): void {
    const before = this.#events;
    this.#events += events;
    let place = SAMPLED_ONE_IN - 1 - (before % SAMPLED_ONE_IN);
    for (; place < events; place += SAMPLED_ONE_IN) {
      this.#seen ??= new Traffic();
      this.#seen.observe(textAt(place) ?? '');
    }
  }
}

/** The first line that begins behind the byte `from`, or the first of all. */
function lineOf(text: Uint8Array, from: number): string {
  const begin = text.indexOf(LINE_FEED, from) + 1;
  const end = text.indexOf(LINE_FEED, begin);
  const buffer = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  return buffer.toString('latin1', begin, end < 0 ? text.length : end);
}

/** One event of so many is looked at; so many bytes of lines count as one. */
const SAMPLED_ONE_IN = 256;
const LINE_BYTES = 128;
const LINE_FEED = 10;
