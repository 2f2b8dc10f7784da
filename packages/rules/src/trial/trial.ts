/** Runs a rule set over events as an agent would, and says what it told, what it cost, and what is different. */
import type { LogEvent, Rule } from '@opmas/protocol';
import { type CompileResult, compileRules } from '../compile.ts';
import { type ExampleFailure, failuresOf } from '../examples/check.ts';
import type { RuleFault } from '../fault.ts';
import type { Ruleset } from '../ruleset.ts';
import { Windows } from '../stateful/windows.ts';
import { ruleCosts } from './cost.ts';
import { Explainer, type Explanation } from './explain.ts';
import { trialLimits } from './limits.ts';

/** What a rule told. */
export interface Told {
  rule_id: string;
  /** Of the event that completed it. */
  event_id: string;
  /** When that was received; absence: when it was due. RFC 3339. */
  at: string;
  /** The beginning of its message; empty where the passing of time told it. */
  message: string;
}

export interface RuleTrial {
  rule_id: string;
  name: string;
  /** Events that the rule's pattern and conditions matched. */
  matches: number;
  /** Of these (or, of rules that count over time, of their windows) what would be told. */
  findings: number;
  /** What the rule by itself takes of the time for one event, in nanoseconds; null where it was not measured. */
  cost_ns: number | null;
}

export interface Difference {
  count: number;
  /** The first of them. */
  examples: Told[];
}

export interface TrialResult {
  events: number;
  /** Events that any rule matched. */
  matched: number;
  findings: number;
  /** Of the whole set: matching and counting, without reading the events. Null without events. */
  ns_per_event: number | null;
  /** Most findings first. */
  rules: RuleTrial[];
  /** Rules beyond those listed. */
  more_rules: number;
  /** The first of what was told. */
  told: Told[];
  /** Against the set in force; null when there was none to compare with. */
  gained: Difference | null;
  lost: Difference | null;
  /** Was told what `watch` asked for? */
  watched: Told | null;
  /** Step by step, of the first events, when it was asked for. */
  explained: Explanation[];
}

export type TrialStart =
  | { ok: true; trial: Trial; warnings: RuleFault[]; failed: ExampleFailure[] }
  | { ok: false; errors: RuleFault[]; warnings: RuleFault[] };

export interface TrialOptions {
  /** What the rules are compared with. */
  inForce?: readonly Rule[] | undefined;
  /** Tell every step of so many events. */
  explain?: number;
  /** Look out for this finding. */
  watch?: { rule_id: string; event_id: string } | undefined;
}

type Settled = [rule: Rule, event: LogEvent | undefined, eventId: string, at: number];

/** One rule set at work on the trial's events. */
class Side {
  readonly ruleset: Ruleset;
  readonly windows = new Windows({ kept: false });
  /** By id, which the second step of a rule shares with it. */
  readonly byId = new Map<string, RuleTrial>();
  matched = 0;
  ms = 0;

  constructor(ruleset: Ruleset) {
    this.ruleset = ruleset;
    this.windows.adopt(ruleset);
    for (const rule of ruleset.rules) {
      const { id, name } = rule;
      this.byId.set(id, { rule_id: id, name, matches: 0, findings: 0, cost_ns: null });
    }
  }

  take(events: readonly LogEvent[]): Told[] {
    const started = performance.now();
    const matched = this.ruleset.matchBatch(events);
    const settled: Settled[] = [];
    let next = 0;
    // Windows that wait for the passing of time see every event's time, others only what matched.
    const all = this.windows.any;
    for (let index = 0; index < events.length; index += 1) {
      const found = matched[next]?.index === index ? matched[next] : undefined;
      if (found !== undefined) next += 1;
      else if (!all) continue;
      const event = events[index];
      if (event === undefined) continue;
      const at = arrival(event);
      for (const { rule, event_id } of this.windows.due(at)) {
        settled.push([rule, undefined, event_id, at]);
      }
      if (found === undefined) continue;
      for (const { rule } of found.matches) this.#count(rule, 'matches');
      for (const { rule } of this.windows.settleMatches(found.matches, event, at)) {
        settled.push([rule, event, event.event_id, at]);
      }
    }
    this.ms += performance.now() - started;
    this.matched += matched.length;
    return this.#tell(settled);
  }

  /** What is absent by `at`, when no further event comes. */
  pass(at: number): Told[] {
    return this.#tell(
      this.windows.due(at).map(({ rule, event_id }) => [rule, undefined, event_id, at]),
    );
  }

  #tell(settled: readonly Settled[]): Told[] {
    const told: Told[] = [];
    for (const [rule, event, event_id, at] of settled) {
      if (rule.action === 'log') continue;
      this.#count(rule, 'findings');
      told.push({
        rule_id: rule.id,
        event_id,
        at: new Date(at).toISOString(),
        message: (event?.message ?? '').slice(0, trialLimits.messageChars),
      });
    }
    return told;
  }

  #count({ id }: Rule, what: 'matches' | 'findings'): void {
    const trial = this.byId.get(id);
    if (trial !== undefined) trial[what] += 1;
  }
}

export class Trial {
  readonly #side: Side;
  readonly #before: Side | undefined;
  readonly #explainer: Explainer | undefined;
  readonly #explained: Explanation[] = [];
  readonly #explain: number;
  readonly #told: Told[] = [];
  readonly #gained: Difference = { count: 0, examples: [] };
  readonly #lost: Difference = { count: 0, examples: [] };
  readonly #sample: LogEvent[] = [];
  #events = 0;

  readonly #watch: TrialOptions['watch'];
  #watched: Told | null = null;

  private constructor(ruleset: Ruleset, before: Ruleset | undefined, options: TrialOptions) {
    const { explain = 0, watch } = options;
    this.#watch = watch;
    this.#side = new Side(ruleset);
    this.#before = before === undefined ? undefined : new Side(before);
    this.#explain = explain;
    this.#explainer = explain === 0 ? undefined : new Explainer(ruleset);
  }

  /** Compiles the rules and runs their examples. Never throws. */
  static start(rules: unknown, options: TrialOptions = {}): TrialStart {
    const compiled = compileRules(rules);
    if (!compiled.ok) return compiled;
    const before: CompileResult | undefined =
      options.inForce === undefined ? undefined : compileRules(options.inForce);
    const inForce = before?.ok === true ? before.ruleset : undefined;
    return {
      ok: true,
      trial: new Trial(compiled.ruleset, inForce, options),
      warnings: compiled.warnings,
      failed: failuresOf(compiled.ruleset),
    };
  }

  /** Works events, in their order. The sets are given the same ones, a thousand at a time at most. */
  take(events: readonly LogEvent[]): void {
    for (let from = 0; from < events.length; from += trialLimits.batchEvents) {
      this.#batch(events.slice(from, from + trialLimits.batchEvents));
    }
  }

  #batch(events: readonly LogEvent[]): void {
    this.#events += events.length;
    this.#note(this.#side.take(events), this.#before?.take(events));
    for (const event of events) {
      if (this.#sample.length < trialLimits.costEvents) this.#sample.push(event);
      if (this.#explainer === undefined || this.#explained.length >= this.#explain) continue;
      this.#explained.push(this.#explainer.explain(event, arrival(event)));
    }
  }

  /** Nothing more comes until `at`, in milliseconds: tells what is absent by then. */
  pass(at: number): void {
    this.#note(this.#side.pass(at), this.#before?.pass(at));
  }

  #note(told: readonly Told[], before: readonly Told[] | undefined): void {
    this.#told.push(...told.slice(0, trialLimits.told - this.#told.length));
    const { rule_id, event_id } = this.#watch ?? {};
    this.#watched ??=
      told.find((one) => one.rule_id === rule_id && one.event_id === event_id) ?? null;
    if (before === undefined) return;
    add(this.#gained, told, before);
    add(this.#lost, before, told);
  }

  /** @param budgetMs for measuring rules one by one */
  result(budgetMs: number = trialLimits.costMs): TrialResult {
    const { byId, matched, ms, ruleset } = this.#side;
    const rules = [...byId.values()].sort(
      (a, b) => b.findings - a.findings || b.matches - a.matches,
    );
    const listed = rules.slice(0, trialLimits.rules);
    const cost = ruleCosts(ruleset.rules, listed, this.#sample, budgetMs);
    return {
      events: this.#events,
      matched,
      findings: rules.reduce((sum, { findings }) => sum + findings, 0),
      ns_per_event: this.#events === 0 ? null : Math.round((ms * 1e6) / this.#events),
      rules: listed.map((rule) => ({ ...rule, cost_ns: cost.get(rule.rule_id) ?? null })),
      more_rules: rules.length - listed.length,
      told: this.#told,
      gained: this.#before === undefined ? null : this.#gained,
      lost: this.#before === undefined ? null : this.#lost,
      watched: this.#watched,
      explained: this.#explained,
    };
  }
}

/** What `these` told and `others` did not, of one batch of events. */
function add(to: Difference, these: readonly Told[], others: readonly Told[]): void {
  const name = ({ rule_id, event_id }: Told) => `${rule_id}\u0000${event_id}`;
  const known = new Set(others.map(name));
  for (const one of these) {
    if (known.has(name(one))) continue;
    to.count += 1;
    if (to.examples.length < trialLimits.differences) to.examples.push(one);
  }
}

function arrival(event: LogEvent): number {
  const at = Date.parse(event.received_at ?? event.timestamp);
  return Number.isNaN(at) ? 0 : at;
}
