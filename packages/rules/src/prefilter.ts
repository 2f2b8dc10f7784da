/** Says cheaply that a rule cannot match a text, because no literal of it stands there. */
import { equivalents } from './case-fold.ts';

/** What is known of a rule before it is tried. */
export interface Filtered {
  /** One of these stands in every text the rule matches; undefined: it must always be tried. */
  literals: string[] | undefined;
  ignoreCase: boolean;
}

/** Does `text` hold one of the literals asked for? */
export type LiteralTest = (text: string) => boolean;

/** The test for one rule: cheaper than the rule's own expression. */
export function literalTest(rule: Filtered): LiteralTest {
  const { literals, ignoreCase } = rule;
  if (literals === undefined) return () => true;
  const [only] = literals;
  if (!ignoreCase && only !== undefined && literals.length === 1) {
    return (text) => text.includes(only);
  }
  const sources = literals.map((literal) => sourceOf(literal, ignoreCase));
  const search = sources.length === 0 ? undefined : new RegExp(sources.join('|'));
  return (text) => search?.test(text) === true;
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
