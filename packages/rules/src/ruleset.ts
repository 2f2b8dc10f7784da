/** A compiled rule set: which rules match an event. */
import { type LogEvent, type Rule, limits as wire } from '@opmas/protocol';
import { Automaton } from './automaton.ts';
import { limits } from './limits.ts';
import type { Filtered, LiteralTest } from './prefilter.ts';
import type { Regex } from './regex.ts';
import type { Condition } from './where.ts';

/** One rule that matched one event. */
export interface Match {
  rule: Rule;
  /** The rule's pattern, for `details.matched_pattern` of a finding. */
  matched_pattern: string;
  /** What a regular expression matched. */
  text?: string;
  /** Its named groups that took part. */
  groups?: Record<string, string>;
}

/** The matches of one event of a batch. */
export interface EventMatches {
  /** The event's place in the batch. */
  index: number;
  matches: Match[];
}

export interface CompiledRule extends Filtered {
  rule: Rule;
  conditions: readonly Condition[];
  /** Absent: a substring rule. */
  regex?: { exec: Regex['exec']; slow: Regex['slow']; mayMatch: LiteralTest };
}

/**
 * Made by `compileRules`; does not change, so it can be swapped for another between two events. A rule
 * looks at the first 8,192 characters of the message (`limits.matchedChars` of the protocol).
 */
export class Ruleset {
  readonly rules: readonly Rule[];
  readonly #compiled: readonly CompiledRule[];
  readonly #automaton: Automaton;

  constructor(compiled: readonly CompiledRule[]) {
    this.rules = compiled.map(({ rule }) => rule);
    this.#compiled = compiled;
    this.#automaton = new Automaton(compiled);
  }

  /**
   * Every rule that matches `event`, in the order of the rules; each at most once. A substring rule
   * matches when the message includes its pattern, case and all, as in the specification's loop.
   * Never throws; one pass over the text, and a look at each rule of which a literal stands there.
   */
  match(event: LogEvent): Match[] {
    const text = event.message.slice(0, wire.matchedChars);
    const matches: Match[] = [];
    for (const index of this.#automaton.candidates(text)) {
      const candidate = this.#compiled[index];
      const match = candidate === undefined ? undefined : verify(candidate, event, text);
      if (match !== undefined) matches.push(match);
    }
    return matches;
  }

  /** As `match`, for a batch: the events that matched anything, in the batch's order. */
  matchBatch(events: readonly LogEvent[]): EventMatches[] {
    const result: EventMatches[] = [];
    for (const [index, event] of events.entries()) {
      const matches = this.match(event);
      if (matches.length > 0) result.push({ index, matches });
    }
    return result;
  }

  /** Ids of rules whose expression was slow, and is matched by the slower, linear matcher from now on. */
  slowRules(): string[] {
    return this.#compiled.filter(({ regex }) => regex?.slow()).map(({ rule }) => rule.id);
  }
}

function verify(candidate: CompiledRule, event: LogEvent, text: string): Match | undefined {
  const { rule, conditions, regex } = candidate;
  for (const condition of conditions) if (!condition.holds(event)) return undefined;
  if (regex === undefined) {
    return text.includes(rule.pattern) ? { rule, matched_pattern: rule.pattern } : undefined;
  }
  const found = regex.mayMatch(text) ? regex.exec(text) : null;
  if (found === null) return undefined;
  const match: Match = { rule, matched_pattern: rule.pattern, text: found[0] };
  if (found.groups !== undefined) match.groups = groupsOf(found.groups);
  return match;
}

function groupsOf(found: Record<string, string | undefined>): Record<string, string> {
  const groups: Record<string, string> = {};
  let kept = 0;
  for (const [name, value] of Object.entries(found)) {
    if (value === undefined) continue;
    if (kept === limits.groups) break;
    groups[name] = value.slice(0, limits.groupChars);
    kept += 1;
  }
  return groups;
}
