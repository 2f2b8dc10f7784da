/** What each rule does in service: hits, the last of them, and what it costs; told with the metrics. */
import { type LogEvent, type Rule, type RuleUsage, limits as wire } from '@opmas/protocol';
import { type Match, type Ruleset, ruleCosts } from '@opmas/rules';
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';

interface Use {
  hits: number;
  lastHit: number | undefined;
  cost: number | undefined;
  slow: boolean;
  /** Something has not been told yet. */
  changed: boolean;
}

/** Rules told of in one report. */
const REPORTED = 1_000;

export class RulesInUse {
  readonly #clock: Clock;
  readonly #overBudget: (ruleId: string) => void;
  /** By rule id: what is in force, and what was. */
  readonly #uses = new Map<string, Use>();
  #sample: LogEvent[] = [];
  #seen = 0;
  #next = 0;

  /** @param overBudget hears each rule that took too long, once */
  constructor(clock: Clock, overBudget: (ruleId: string) => void) {
    this.#clock = clock;
    this.#overBudget = overBudget;
  }

  /** Keeps some of the events, evenly over time, to measure rules on. */
  saw(events: readonly LogEvent[]): void {
    const before = this.#seen;
    this.#seen += events.length;
    if (before > 0 && Math.floor(before / SAMPLED) === Math.floor(this.#seen / SAMPLED)) return;
    const event = events[this.#seen % events.length];
    if (event === undefined) return;
    // Long messages would make measuring itself take long.
    const message = event.message.slice(0, limits.costChars);
    this.#sample = [...this.#sample.slice(1 - limits.costEvents), { ...event, message }];
  }

  hit(matches: readonly Match[]): void {
    for (const { rule } of matches) {
      const use = this.#of(rule);
      if (use === undefined) continue;
      use.hits += 1;
      use.lastHit = this.#clock.now();
      use.changed = true;
    }
  }

  /** What is to be told now. Measures some of the rules, a few milliseconds long: others at the next report. */
  report(ruleset: Ruleset): RuleUsage[] {
    this.#measure(ruleset);
    for (const id of ruleset.slowRules()) {
      const use = this.#uses.get(id) ?? this.#ofId(id);
      if (use === undefined || use.slow) continue;
      use.slow = true;
      use.changed = true;
      this.#overBudget(id);
    }
    const told: RuleUsage[] = [];
    for (const [rule_id, use] of this.#uses) {
      if (!use.changed) continue;
      if (told.length === REPORTED) break;
      use.changed = false;
      told.push({
        rule_id,
        hits: use.hits,
        ...(use.lastHit === undefined ? {} : { last_hit: new Date(use.lastHit).toISOString() }),
        ...(use.cost === undefined ? {} : { cost_ns: use.cost }),
        ...(use.slow ? { slow: true } : {}),
      });
    }
    return told;
  }

  #measure({ rules }: Ruleset): void {
    if (this.#sample.length === 0 || rules.length === 0) return;
    const from = this.#next % rules.length;
    const turn = [...rules.slice(from), ...rules.slice(0, from)].slice(0, limits.costRules);
    const wanted = turn.map(({ id }) => ({ rule_id: id }));
    const measured = ruleCosts(turn, wanted, this.#sample, limits.costMs, 1);
    this.#next = from + Math.max(1, measured.size);
    for (const [id, cost] of measured) {
      const use = this.#ofId(id);
      if (use === undefined) continue;
      use.cost = cost;
      use.changed = true;
    }
  }

  #of(rule: Rule): Use | undefined {
    return this.#uses.get(rule.id) ?? this.#ofId(rule.id);
  }

  /** Undefined when there are too many: rules of former configurations count too. */
  #ofId(id: string): Use | undefined {
    const known = this.#uses.get(id);
    if (known !== undefined || this.#uses.size >= wire.rules) return known;
    const use: Use = { hits: 0, lastHit: undefined, cost: undefined, slow: false, changed: false };
    this.#uses.set(id, use);
    return use;
  }
}

/** One event of so many is kept for measuring. */
const SAMPLED = 256;
