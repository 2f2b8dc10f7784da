// What the address of the rules says, which rules it means, and their order.
import type { Rule, Severity } from '@opmas/protocol';
import type { RuleInService } from '../api/rules.ts';
import { SEVERITY_ORDER } from '../findings/filter.ts';
import { chosen, words } from '../lib/search.ts';
import { limits } from '../limits.ts';

export type RuleKind = NonNullable<Rule['kind']>;
export const KINDS = [
  'substring',
  'regex',
  'threshold',
  'distinct',
  'sequence',
  'absence',
] as const satisfies readonly RuleKind[];

/** `never`: has not matched since it is counted. `silent`: has, but not for a day. */
export const STATES = ['disabled', 'slow', 'never', 'silent'] as const;
export type RuleState = (typeof STATES)[number];

export const ORDERS = ['hits', 'latest', 'silent', 'cost', 'severity', 'name'] as const;
export type RuleOrder = (typeof ORDERS)[number];

export interface RulesSearch {
  q?: string;
  agent?: string;
  severity?: Severity[];
  kind?: RuleKind;
  state?: RuleState[];
  /** Absent: those that hit most first. */
  sort?: RuleOrder;
  /** The id of the one that is open. */
  rule?: string;
}

export function readRulesSearch(search: Record<string, unknown>): RulesSearch {
  const q = words(search['q'], limits.filterChars);
  const agent = words(search['agent'], limits.idChars);
  const severity = chosen(search['severity'], SEVERITY_ORDER);
  const [kind] = chosen(search['kind'], KINDS);
  const state = chosen(search['state'], STATES);
  const [sort] = chosen(search['sort'], ORDERS);
  const rule = words(search['rule'], limits.idChars);
  return {
    ...(q ? { q } : {}),
    ...(agent ? { agent } : {}),
    ...(severity.length > 0 ? { severity } : {}),
    ...(kind ? { kind } : {}),
    ...(state.length > 0 ? { state } : {}),
    ...(sort ? { sort } : {}),
    ...(rule ? { rule } : {}),
  };
}

const DAY_MS = 86_400_000;

export function statesOf(rule: RuleInService, now: number): RuleState[] {
  const states: RuleState[] = rule.disabled ? ['disabled'] : [];
  if (rule.slow) states.push('slow');
  if (rule.last_hit === null) states.push('never');
  else if (now - Date.parse(rule.last_hit) >= DAY_MS) states.push('silent');
  return states;
}

export function filterRules(
  rules: readonly RuleInService[],
  { q, severity, kind, state }: RulesSearch,
  now: number,
): RuleInService[] {
  const needle = q?.trim().toLowerCase();
  return rules.filter(
    (rule) =>
      (!severity || severity.includes(rule.severity)) &&
      (!kind || rule.kind === kind) &&
      (!state || statesOf(rule, now).some((each) => state.includes(each))) &&
      (!needle || haystack(rule).includes(needle)),
  );
}

export function countStates(
  rules: readonly RuleInService[],
  now: number,
): Record<RuleState, number> {
  const counts = { disabled: 0, slow: 0, never: 0, silent: 0 };
  for (const rule of rules) for (const state of statesOf(rule, now)) counts[state] += 1;
  return counts;
}

const COLLATOR = new Intl.Collator(undefined, { numeric: true });
const byName = (a: RuleInService, b: RuleInService) => COLLATOR.compare(a.name, b.name);
/** Never matched is the longest silence of all. */
const lastHit = ({ last_hit }: RuleInService) => (last_hit === null ? 0 : Date.parse(last_hit));
const weight = ({ severity }: RuleInService) => SEVERITY_ORDER.indexOf(severity);

const COMPARE: Readonly<Record<RuleOrder, (a: RuleInService, b: RuleInService) => number>> = {
  hits: (a, b) => b.hits - a.hits,
  latest: (a, b) => lastHit(b) - lastHit(a),
  silent: (a, b) => lastHit(a) - lastHit(b),
  cost: (a, b) => (b.cost_ns ?? -1) - (a.cost_ns ?? -1),
  severity: (a, b) => weight(a) - weight(b),
  name: byName,
};

export function sortRules(
  rules: readonly RuleInService[],
  order: RuleOrder = 'hits',
): RuleInService[] {
  const compare = COMPARE[order];
  return rules.toSorted((a, b) => compare(a, b) || byName(a, b));
}

function haystack({ rule_id, name, kind, agents }: RuleInService): string {
  return [rule_id, name, kind, ...agents.map(({ agent_name }) => agent_name)]
    .join('\n')
    .toLowerCase();
}
