/** Says in one pass that none of a group of rules can match: the common case. */
import { equivalents } from './case-fold.ts';

/** What the prefilter needs to know of a rule. */
export interface Filtered {
  /** One of these stands in every text the rule matches; undefined: it must always be tried. */
  literals: string[] | undefined;
  ignoreCase: boolean;
}

/** Does `text` hold one of the literals asked for? */
export type LiteralTest = (text: string) => boolean;

/** Rules next to each other that share a prefilter. */
export interface Group<T> {
  all: readonly T[];
  /** Those that are tried even when the filter finds nothing. */
  unfiltered: readonly T[];
  /** Finds a literal of any of the others. */
  filter: LiteralTest;
}

/** Cuts `rules`, in their order, into groups of at most `size`. */
export function groupRules<T extends Filtered>(rules: readonly T[], size: number): Group<T>[] {
  const groups: Group<T>[] = [];
  for (let start = 0; start < rules.length; start += size) {
    const all = rules.slice(start, start + size);
    // Apart, because letters of both cases in front slow the search for all the others down.
    const exact = anyOf(all.filter((rule) => !rule.ignoreCase));
    const folded = anyOf(all.filter((rule) => rule.ignoreCase));
    groups.push({
      all,
      unfiltered: all.filter((rule) => rule.literals === undefined),
      filter: (text) => exact?.test(text) === true || folded?.test(text) === true,
    });
  }
  return groups;
}

/** The same question for one rule: cheaper than the rule's own expression. */
export function literalTest(rule: Filtered): LiteralTest {
  const { literals, ignoreCase } = rule;
  if (literals === undefined) return () => true;
  const [only] = literals;
  if (!ignoreCase && only !== undefined && literals.length === 1) {
    return (text) => text.includes(only);
  }
  const search = anyOf([rule]);
  return (text) => search?.test(text) === true;
}

function anyOf(rules: readonly Filtered[]): RegExp | undefined {
  const sources = new Set<string>();
  for (const { literals, ignoreCase } of rules) {
    for (const literal of literals ?? []) sources.add(sourceOf(literal, ignoreCase));
  }
  return sources.size === 0 ? undefined : new RegExp([...sources].join('|'));
}

/** An expression for `literal`; without quantifiers, so it cannot backtrack beyond its own length. */
function sourceOf(literal: string, ignoreCase: boolean): string {
  let source = '';
  for (let i = 0; i < literal.length; i++) {
    const code = literal.charCodeAt(i);
    const codes = ignoreCase ? equivalents(code) : [code];
    const escaped = codes.map((c) => `\\u${c.toString(16).padStart(4, '0')}`).join('');
    source += codes.length === 1 ? escaped : `[${escaped}]`;
  }
  return source;
}
