/** Turns a list of rules into a rule set, or says everything that is wrong with it at once. */
import { check, faultsOf, RULE_KINDS, Rule, limits as wire } from '@opmas/protocol';
import { plainChoices } from './choose/literals.ts';
import { type Traffic, typicalTraffic } from './choose/traffic.ts';
import { Faults, quote, type RuleFault } from './fault.ts';
import { Effort, Fuse, type Now } from './fuse.ts';
import { limits } from './limits.ts';
import { compileRegex } from './regex.ts';
import { Ruleset } from './ruleset.ts';
import type { ScanKind } from './scan/create.ts';
import { buildTables } from './scan/tables.ts';
import { inSlices, wholly } from './slices.ts';
import {
  checkWindowFields,
  patternKindOf,
  type WindowRule,
  windowRule,
} from './stateful/window-rule.ts';
import type { CompiledRule } from './verify.ts';
import { compileWhere } from './where.ts';

/** The kinds of rule this engine runs; a rule without `kind` is a substring rule. */
export const AVAILABLE_KINDS = RULE_KINDS;

export interface CompileOptions {
  /** A monotonic clock in milliseconds; times the matchers. */
  now?: Now;
  /**
   * Milliseconds of processor time that the linear matcher may take for one message; a rule that exceeds it
   * 20 times in 1,000 looks is taken out of service (`Ruleset.disabled`). Without it none ever is.
   */
  budgetMs?: number;
  /** Processor time of this thread in milliseconds; what the budget is measured by. */
  cpu?: Now;
  /** What texts are scanned with; `auto` takes WebAssembly, or TypeScript where that is not to be had. */
  scan?: ScanKind;
  /** What lines are common, so that rules are looked for by what is rare; by default what routers say. */
  traffic?: Traffic;
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
  return wholly(compiling(rules, options));
}

/**
 * As `compileRules`, a few milliseconds at a stretch beside other work; the answer is the same. `rules` must
 * not be changed before it is there.
 */
export function compileRulesInSlices(
  rules: unknown,
  options: CompileOptions = {},
): Promise<CompileResult> {
  return inSlices(compiling(rules, options));
}

function* compiling(rules: unknown, options: CompileOptions): Generator<void, CompileResult> {
  const now = options.now ?? (() => performance.now());
  const effort = new Effort(options);
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
  const windows: WindowRule[] = [];
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
    yield;
    const timing = { now, fuse: new Fuse(id ?? '', effort) };
    const rule = compileRule(input, timing, report(errors), report(warnings));
    if (rule === undefined) continue;
    compiled.push(...rule.steps);
    if (rule.window !== undefined) windows.push(rule.window);
  }

  const unfiltered = compiled.filter((rule) => rule.choices.length === 0).length;
  if (unfiltered > limits.unfilteredRules) {
    const message = `${unfiltered} rules have no literal text of ${limits.literalMinChars} characters and are tried on every event: matching is slow`;
    warnings.add({ index: -1, path: '', message });
  }
  if (errors.any) return { ok: false, errors: errors.list(), warnings: warnings.list() };
  const choices = compiled.map((rule) => rule.choices);
  const tables = yield* buildTables(choices, options.traffic ?? typicalTraffic());
  const ruleset = new Ruleset({ compiled, windows, tables, effort, scan: options.scan ?? 'auto' });
  return { ok: true, ruleset, errors: [], warnings: warnings.list() };
}

type Report = (path: string, message: string) => void;

/** What measures one rule. */
interface Timing {
  now: Now;
  fuse: Fuse;
}

interface OneRule {
  /** What the matcher looks for: the second step stands first, so that no event follows itself. */
  steps: CompiledRule[];
  window: WindowRule | undefined;
}

function compileRule(
  input: unknown,
  timing: Timing,
  error: Report,
  warn: Report,
): OneRule | undefined {
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
  const rule = good ? copyOf(input, refuse) : input;
  checkWindowFields(rule, refuse);
  if (looksLikeRegex(rule)) {
    const how = rule.kind === undefined ? '"kind": "regex"' : '"pattern_kind": "regex"';
    warn(
      'pattern',
      `${quote(rule.pattern)} is taken as plain text; for a regular expression add ${how}`,
    );
  }
  const first = compilePattern(rule.pattern, patternKindOf(rule), timing, refuse);
  const second = compileSecond(rule, timing, refuse);
  const window = good ? windowRule(rule, second?.rule, refuse) : undefined;
  if (!good || first === undefined) return undefined;
  const steps: CompiledRule[] = [{ rule, conditions, fuse: timing.fuse, ...first }];
  if (second !== undefined) steps.unshift(second);
  return { steps, window };
}

/** What code gives may hold what no file and no message can. */
function copyOf(rule: Rule, refuse: Report): Rule {
  try {
    return structuredClone(rule);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    refuse('', `holds what is no JSON (${why}): use texts, numbers, booleans, lists and objects`);
    return rule;
  }
}

/** The second step as a rule of its own: what is looked for, and the rest from the rule it belongs to. */
function compileSecond(rule: Rule, timing: Timing, refuse: Report): CompiledRule | undefined {
  const step = rule.followed_by;
  if (step === undefined) return undefined;
  const { conditions, faults } = compileWhere(step.where ?? {});
  for (const fault of faults) refuse(`followed_by.${fault.path}`, fault.message);
  const kind = step.pattern_kind ?? 'substring';
  const found = compilePattern(step.pattern, kind, timing, (path, message) =>
    refuse(`followed_by.${path}`, message),
  );
  return found === undefined
    ? undefined
    : { rule: { ...rule, pattern: step.pattern }, conditions, fuse: timing.fuse, ...found };
}

function compilePattern(
  pattern: string,
  kind: 'substring' | 'regex',
  { now, fuse }: Timing,
  refuse: Report,
): Pick<CompiledRule, 'choices' | 'exact' | 'regex'> | undefined {
  if (kind === 'substring') {
    const choices = plainChoices(pattern);
    return { choices, exact: choices[0]?.[0]?.text === pattern };
  }
  // Said already: an empty pattern.
  if (pattern === '') return undefined;
  const result = compileRegex(pattern, now, fuse);
  if (!result.ok) {
    refuse('pattern', result.message);
    return undefined;
  }
  const { choices, exec, slow } = result.regex;
  return { choices, exact: false, regex: { exec, slow } };
}

/** Only signs that hardly occur in log text. */
function looksLikeRegex(rule: Rule): boolean {
  const plain = rule.kind !== 'substring' && patternKindOf(rule) === 'substring';
  return (
    plain && rule.pattern_kind === undefined && /\.\*|\.\+|\\[dswDSWb]|\(\?/.test(rule.pattern)
  );
}

function idOf(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null || !('id' in input)) return undefined;
  return typeof input.id === 'string' ? input.id.slice(0, 128) : undefined;
}
