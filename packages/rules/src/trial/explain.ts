/** Says step by step what became of an event: pattern, conditions, window, suppression, action. */
import type { LogEvent, Rule } from '@opmas/protocol';
import { compileRules } from '../compile.ts';
import { quote } from '../fault.ts';
import type { Ruleset } from '../ruleset.ts';
import type { WindowRule } from '../stateful/window-rule.ts';
import { type WindowStats, Windows } from '../stateful/windows.ts';
import type { Match } from '../verify.ts';
import { compileWhere, readerOf } from '../where.ts';
import { trialLimits } from './limits.ts';

export interface Step {
  /** `pattern`, `where.<field>`, `window`, `suppression` or `action`. */
  step: string;
  /** false ends the way of the event through this rule. */
  passed: boolean;
  text: string;
}

export interface Explanation {
  event_id: string;
  message: string;
  /** Each rule whose pattern stands in the message. */
  rules: { rule_id: string; told: boolean; steps: Step[] }[];
}

export class Explainer {
  readonly #ruleset: Ruleset;
  /** The same rules without conditions: what the patterns by themselves match. */
  readonly #bare: Ruleset;
  readonly #windows = new Windows({ kept: false });
  /** By the rule object that matches carry. */
  readonly #steps = new Map<Rule, WindowRule>();

  /** @param ruleset as it came from `compileRules` */
  constructor(ruleset: Ruleset) {
    this.#ruleset = ruleset;
    const bare = compileRules(ruleset.rules.map(withoutConditions));
    if (!bare.ok) throw new Error('a rule without its conditions does not compile');
    this.#bare = bare.ruleset;
    this.#windows.adopt(ruleset);
    for (const window of ruleset.windows) {
      this.#steps.set(window.rule, window);
      if (window.second !== undefined) this.#steps.set(window.second, window);
    }
  }

  /** Events must come in the order in which the trial works them: windows count here too. */
  explain(event: LogEvent, at: number): Explanation {
    this.#windows.due(at);
    const real = this.#ruleset.match(event);
    const rules = this.#bare
      .match(event)
      .slice(0, trialLimits.explainedRules)
      .map((found) => {
        const second = isSecond(this.#bare, found);
        const match = real.find(
          (each) => each.rule.id === found.rule.id && isSecond(this.#ruleset, each) === second,
        );
        const steps: Step[] = [{ step: 'pattern', passed: true, text: textOf(found) }];
        steps.push(...this.#conditions(found.rule.id, second, event));
        if (match !== undefined) steps.push(...this.#afterMatch(match, event, at));
        return {
          rule_id: found.rule.id,
          told: match !== undefined && steps.every(({ passed }) => passed),
          steps,
        };
      });
    const message = event.message.slice(0, trialLimits.messageChars);
    return { event_id: event.event_id, message, rules };
  }

  #conditions(id: string, second: boolean, event: LogEvent): Step[] {
    const rule = this.#ruleset.rules.find((each) => each.id === id);
    const where = second ? rule?.followed_by?.where : rule?.where;
    return Object.entries(where ?? {}).map(([field, wanted]) => {
      const [condition] = compileWhere({ [field]: wanted }).conditions;
      const passed = condition?.holds(event) ?? false;
      const given = valueOf(event, field);
      const has = given === undefined ? 'is absent' : `is ${quote(given)}`;
      return {
        step: `where.${field}`,
        passed,
        text: `${has}; asked for is ${quote(JSON.stringify(wanted))}`,
      };
    });
  }

  #afterMatch(match: Match, event: LogEvent, at: number): Step[] {
    const window = this.#steps.get(match.rule);
    const { action } = match.rule;
    const acts: Step = {
      step: 'action',
      passed: action !== 'log',
      text: action === 'log' ? 'log: a line in the log of the agent, no finding' : action,
    };
    if (window === undefined) return [acts];
    const before = this.#windows.stats;
    const firing = this.#windows.apply(match, event, at);
    const after = this.#windows.stats;
    const step = window.rule.within_seconds === undefined ? 'suppression' : 'window';
    const key = window.keyOf(match, event);
    const text = `${asked(window, match)}${key === undefined || key === '' ? '' : `, key ${quote(key)}`}: ${became(before, after)}`;
    if (firing === undefined) return [{ step, passed: false, text }];
    const { count, first_at, last_at } = firing.window;
    return [{ step, passed: true, text: `${text}: ${count} from ${first_at} to ${last_at}` }, acts];
  }
}

/** Is it the second step of a rule that matched? */
function isSecond({ windows }: Ruleset, { rule }: Match): boolean {
  return windows.some(({ second }) => second === rule);
}

function withoutConditions(rule: Rule): Rule {
  const { where: _where, followed_by, examples: _examples, ...rest } = rule;
  if (followed_by === undefined) return rest;
  const { where: _of, ...step } = followed_by;
  return { ...rest, followed_by: step };
}

function textOf({ text, matched_pattern, groups }: Match): string {
  const named = Object.entries(groups ?? {}).map(([name, value]) => `${name}=${quote(value)}`);
  return [`matched ${quote(text ?? matched_pattern)}`, ...named].join(', ');
}

function asked({ rule, kind, second }: WindowRule, match: Match): string {
  const within = rule.within_seconds === undefined ? '' : ` within ${rule.within_seconds} s`;
  const rest =
    rule.suppress_seconds === undefined ? '' : `, then quiet for ${rule.suppress_seconds} s`;
  const step = second !== undefined && match.rule === second ? ' (second step)' : '';
  return `${kind} of ${rule.count ?? 1}${within}${rest}${step}`;
}

function became(before: WindowStats, after: WindowStats): string {
  if (after.keyless > before.keyless) return 'the event lacks a field to count by';
  if (after.fired > before.fired) return 'complete';
  if (after.counted > before.counted) return 'counted, not complete';
  return 'not counted: suppressed, too late, or come again';
}

function valueOf(event: LogEvent, field: string): string | undefined {
  const value = readerOf(field)?.(event);
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
