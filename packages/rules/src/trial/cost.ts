/** What each rule costs by itself: the set's own time cannot be shared out, since all are looked for in one scan. */
import type { LogEvent, Rule } from '@opmas/protocol';
import { compileRules } from '../compile.ts';

/** The quickest of so many passes is taken: a busy machine only ever makes it look slower. */
const PASSES = 3;

/**
 * Nanoseconds per event of each rule alone, over `sample`.
 * @param wanted the rules to measure, most important first
 * @param budgetMs when it is used up, the others are left out
 * @param passes over the sample
 */
export function ruleCosts(
  rules: readonly Rule[],
  wanted: readonly { rule_id: string }[],
  sample: readonly LogEvent[],
  budgetMs: number,
  passes: number = PASSES,
): Map<string, number> {
  const result = new Map<string, number>();
  if (sample.length === 0) return result;
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  const end = performance.now() + budgetMs;
  for (const { rule_id } of wanted) {
    if (performance.now() > end) break;
    const rule = byId.get(rule_id);
    const alone = rule === undefined ? undefined : compileRules([rule]);
    if (alone?.ok !== true) continue;
    // Builds the tables, which is not part of the cost.
    alone.ruleset.matchBatch(sample.slice(0, 1));
    let best = Number.POSITIVE_INFINITY;
    for (let pass = 0; pass < passes; pass += 1) {
      const started = performance.now();
      alone.ruleset.matchBatch(sample);
      best = Math.min(best, performance.now() - started);
    }
    result.set(rule_id, Math.round((best * 1e6) / sample.length));
  }
  return result;
}
