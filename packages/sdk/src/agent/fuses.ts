/** Rules that went over their time budget: out of service in this agent until they are edited, or it is restarted. */
import type { DisabledRule, Rule } from '@opmas/protocol';
import type { Ruleset } from '@opmas/rules';
import { type Clock, isoTime } from '../clock.ts';
import { limits } from '../limits.ts';
import { knownVersion } from './rule-version.ts';

export class Fuses {
  readonly #clock: Clock;
  readonly #blown: (rule: DisabledRule) => void;
  /** By rule id, also of rules that are not in force now: the version that was taken out. */
  readonly #out = new Map<string, DisabledRule>();
  /** The rule set looked at last, and how many of its rules were out. */
  #ruleset: Ruleset | undefined;
  #seen = 0;
  #budgetMs: number | undefined;

  /** @param blown hears each rule once, when it goes */
  constructor(clock: Clock, blown: (rule: DisabledRule) => void) {
    this.#clock = clock;
    this.#blown = blown;
  }

  /**
   * Another rule set is in force: what was taken out stays out in it, unless it was edited or all have another
   * budget now.
   */
  follow(ruleset: Ruleset, budgetMs: number): void {
    if (budgetMs !== this.#budgetMs) this.#out.clear();
    this.#budgetMs = budgetMs;
    const rules = new Map(this.#out.size === 0 ? [] : ruleset.rules.map((rule) => [rule.id, rule]));
    for (const [id, { rule_version, reason }] of this.#out) {
      const rule = rules.get(id);
      if (rule === undefined) continue;
      if (knownVersion(rule) === rule_version) ruleset.disable(id, reason);
      else this.#out.delete(id);
    }
    this.#ruleset = ruleset;
    this.#seen = ruleset.disabled.length;
  }

  /** To be called after matching; costs nothing while no fuse blows. */
  check(ruleset: Ruleset): void {
    const { disabled } = ruleset;
    if (ruleset !== this.#ruleset || disabled.length === this.#seen) return;
    const since = isoTime(this.#clock);
    for (const { rule_id, reason } of disabled.slice(this.#seen)) {
      const rule = ruleset.rules.find(({ id }) => id === rule_id);
      if (rule === undefined) continue;
      const out = { rule_id, rule_version: knownVersion(rule), reason, since };
      this.#remember(rule, out);
      this.#blown(out);
    }
    this.#seen = disabled.length;
  }

  /** Of the rule set in force, those that went last first; at most as many as a report holds. */
  get list(): DisabledRule[] {
    const ids = this.#ruleset?.disabled.map(({ rule_id }) => rule_id) ?? [];
    return ids
      .reverse()
      .flatMap((id) => this.#out.get(id) ?? [])
      .slice(0, limits.disabledRules);
  }

  #remember({ id }: Rule, out: DisabledRule): void {
    this.#out.delete(id);
    this.#out.set(id, out);
    if (this.#out.size <= limits.rememberedFuses) return;
    const oldest = this.#out.keys().next();
    if (oldest.done !== true) this.#out.delete(oldest.value);
  }
}
