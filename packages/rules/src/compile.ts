/** Turns a list of rules into a rule set, or says everything that is wrong with it at once. */
import { check, faultsOf, Rule, limits as wire } from '@opmas/protocol';
import { Faults, quote, type RuleFault } from './fault.ts';
import { limits } from './limits.ts';
import { literalTest } from './prefilter.ts';
import { compileRegex, type Now } from './regex.ts';
import { type CompiledRule, Ruleset } from './ruleset.ts';
import { compileWhere } from './where.ts';

/** The kinds of rule this engine runs; a rule without `kind` is a substring rule. */
export const AVAILABLE_KINDS = ['substring', 'regex'] as const;

/** Fields that mean something only for the other kinds. */
const WINDOW_FIELDS = ['group_by', 'count', 'within_seconds', 'suppress_seconds'] as const;

export interface CompileOptions {
  /** A monotonic clock in milliseconds; times the matchers. */
  now?: Now;
}

export type CompileResult =
  | { ok: true; ruleset: Ruleset; errors: RuleFault[]; warnings: RuleFault[] }
  | { ok: false; errors: RuleFault[]; warnings: RuleFault[] };

/**
 * Compiles `rules` in their order.
 * @param rules the list as it came from a file or the wire: it is validated here, at most 20,000 rules
 * @returns the rule set, or every fault (at most 200) with the rule's place, the field and how to repair
 *   it. Warnings do not stop the rules. Never throws, and takes nothing from `rules` but plain data.
 * @example
 * const result = compileRules([{ id: 'r1', name: 'Bad', pattern: 'Bad password', severity: 'warning', action: 'alert' }]);
 * if (result.ok) result.ruleset.match(event); // [{ rule, matched_pattern: 'Bad password' }]
 */
export function compileRules(rules: unknown, options: CompileOptions = {}): CompileResult {
  const now = options.now ?? (() => performance.now());
  const errors = new Faults();
  const warnings = new Faults();
  if (!Array.isArray(rules)) {
    errors.add({ index: -1, path: '', message: 'rules must be a list: [{"id": …, "pattern": …}]' });
    return { ok: false, errors: errors.list(), warnings: [] };
  }
  if (rules.length > wire.rules) {
    errors.add({ index: -1, path: '', message: `${rules.length} rules; at most ${wire.rules}` });
    return { ok: false, errors: errors.list(), warnings: [] };
  }

  const compiled: CompiledRule[] = [];
  const firstWithId = new Map<string, number>();
  for (const [index, input] of rules.entries()) {
    const id = idOf(input);
    const report = (to: Faults) => (path: string, message: string) =>
      to.add(id === undefined ? { index, path, message } : { rule_id: id, index, path, message });
    if (id !== undefined) {
      const first = firstWithId.get(id);
      if (first === undefined) firstWithId.set(id, index);
      else report(errors)('id', `${quote(id)} is also the id of rule ${first}: give each its own`);
    }
    const rule = compileRule(input, now, report(errors), report(warnings));
    if (rule !== undefined) compiled.push(rule);
  }

  const unfiltered = compiled.filter((rule) => rule.literals === undefined).length;
  if (unfiltered > limits.unfilteredRules) {
    const message = `${unfiltered} rules have no literal text of ${limits.literalMinChars} characters and are tried on every event: matching is slow`;
    warnings.add({ index: -1, path: '', message });
  }
  if (errors.any) return { ok: false, errors: errors.list(), warnings: warnings.list() };
  return { ok: true, ruleset: new Ruleset(compiled), errors: [], warnings: warnings.list() };
}

type Report = (path: string, message: string) => void;

function compileRule(
  input: unknown,
  now: Now,
  error: Report,
  warn: Report,
): CompiledRule | undefined {
  if (!check(Rule, input)) {
    for (const fault of faultsOf(Rule, input)) error(fault.path, fault.message);
    return undefined;
  }
  let good = true;
  const refuse: Report = (path, message) => {
    good = false;
    error(path, message);
  };
  const { conditions, faults } = compileWhere(input.where ?? {});
  for (const fault of faults) refuse(fault.path, fault.message);
  const rule = good ? structuredClone(input) : input;
  for (const field of WINDOW_FIELDS) {
    if (rule[field] !== undefined) {
      refuse(
        field,
        `${field} belongs to rules that count over time, which are not available: take it out`,
      );
    }
  }

  const kind = rule.kind ?? 'substring';
  if (kind === 'substring') {
    if (looksLikeRegex(rule)) {
      warn(
        'pattern',
        `${quote(rule.pattern)} is taken as plain text; for a regular expression add "kind": "regex"`,
      );
    }
    if (!good) return undefined;
    const literal = rule.pattern.slice(0, limits.literalMaxChars);
    const literals = literal.length < limits.literalMinChars ? undefined : [literal];
    return { rule, conditions, literals, ignoreCase: false };
  }
  if (kind === 'regex') {
    const result = compileRegex(rule.pattern, now);
    if (!result.ok) refuse('pattern', result.message);
    if (!good || !result.ok) return undefined;
    const { regex } = result;
    const mayMatch = literalTest(regex);
    const { literals, ignoreCase, exec, slow } = regex;
    return { rule, conditions, literals, ignoreCase, regex: { exec, slow, mayMatch } };
  }
  refuse('kind', `${kind} is not available; the kinds are ${AVAILABLE_KINDS.join(' and ')}`);
  return undefined;
}

/** Only signs that hardly occur in log text. */
function looksLikeRegex(rule: Rule): boolean {
  return rule.kind === undefined && /\.\*|\.\+|\\[dswDSWb]|\(\?/.test(rule.pattern);
}

function idOf(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null || !('id' in input)) return undefined;
  return typeof input.id === 'string' ? input.id.slice(0, 128) : undefined;
}
