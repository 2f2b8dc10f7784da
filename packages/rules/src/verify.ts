/** Decides whether a rule of which a literal stands in a message matches it. */
import type { LogEvent, Rule } from '@opmas/protocol';
import type { LiteralSet } from './choose/literals.ts';
import type { Fuse } from './fuse.ts';
import { limits } from './limits.ts';
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

export interface CompiledRule {
  rule: Rule;
  conditions: readonly Condition[];
  /** Sets of literals, of each of which one stands in every text the rule matches; none: try it on all. */
  choices: readonly LiteralSet[];
  /** The one literal is the whole pattern: where its bytes stand, the rule matches. */
  exact: boolean;
  /** Of the whole rule: shared by its steps. */
  fuse: Fuse;
  /** Absent: a substring rule. */
  regex?: Pick<Regex, 'exec' | 'slow'>;
}

/** What is known of a message: a line of text has no event. */
export interface Subject {
  event: LogEvent | undefined;
  /** At most 8,192 characters. */
  text: string;
}

export function verify(candidate: CompiledRule, { event, text }: Subject): Match | undefined {
  const { rule, regex, fuse } = candidate;
  if (fuse.blown) return undefined;
  if (!conditionsHold(candidate, event)) return undefined;
  if (regex === undefined) return text.includes(rule.pattern) ? matchOf(rule) : undefined;
  const found = regex.exec(text);
  if (found === null) return undefined;
  const match: Match = { rule, matched_pattern: rule.pattern, text: found[0] };
  if (found.groups !== undefined) match.groups = groupsOf(found.groups);
  return match;
}

/** Conditions are on fields, which a bare line lacks. */
function conditionsHold({ conditions }: CompiledRule, event: LogEvent | undefined): boolean {
  for (const condition of conditions) {
    if (event === undefined || !condition.holds(event)) return false;
  }
  return true;
}

export function matchOf(rule: Rule): Match {
  return { rule, matched_pattern: rule.pattern };
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
