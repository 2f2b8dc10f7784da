/** Answers in one pass that none of a group of rules can match: the common case. */
import { equivalents } from './case-fold.ts';

/** What the prefilter needs to know of a rule. */
export interface Filtered {
  /** One of these stands in every text the rule matches; undefined: it must always be tried. */
  literals: string[] | undefined;
  ignoreCase: boolean;
}

/** Rules next to each other that share a prefilter. */
export interface Group<T> {
  all: readonly T[];
  /** Those that are tried even when the filter finds nothing. */
  unfiltered: readonly T[];
  /** Finds one of the literals of the others; undefined when there are none. */
  filter: RegExp | undefined;
}

/** Cuts `rules`, in their order, into groups of at most `size`. */
export function groupRules<T extends Filtered>(rules: readonly T[], size: number): Group<T>[] {
  const groups: Group<T>[] = [];
  for (let start = 0; start < rules.length; start += size) {
    const all = rules.slice(start, start + size);
    const sources = new Set<string>();
    for (const rule of all) {
      for (const literal of rule.literals ?? []) sources.add(sourceOf(literal, rule.ignoreCase));
    }
    groups.push({
      all,
      unfiltered: all.filter((rule) => rule.literals === undefined),
      filter: sources.size === 0 ? undefined : new RegExp([...sources].join('|')),
    });
  }
  return groups;
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
