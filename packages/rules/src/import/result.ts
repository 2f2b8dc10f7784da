/** What an import comes to: rules that compile, and a reason for everything that was left out. */
import type { Rule } from '@opmas/protocol';
import { compileRules } from '../compile.ts';

export interface Imported {
  rules: Rule[];
  /** `what` names the rule, or the part of it. */
  refused: { what: string; reason: string }[];
}

/** Takes a rule over if the engine does. */
export function admit(to: Imported, what: string, rule: Rule): void {
  const compiled = compileRules([rule]);
  if (compiled.ok) to.rules.push(rule);
  else {
    const [fault] = compiled.errors;
    to.refused.push({ what, reason: `${fault?.path ?? ''} ${fault?.message ?? ''}`.trim() });
  }
}

/** An id of lower-case letters, digits and dashes. */
export function slug(text: string): string {
  const words = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return words.slice(0, 100) || 'rule';
}

/** Text as an expression that matches it. */
export function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
