// The filter, the order and the states of the rules in force.
import { RULE_KINDS } from '@opmas/protocol';
import { expect, test } from 'vitest';
import type { RuleInService } from '../api/rules.ts';
import {
  countStates,
  filterRules,
  KINDS,
  ORDERS,
  readRulesSearch,
  sortRules,
  statesOf,
} from './filter.ts';

const NOW = Date.parse('2026-11-21T12:00:00.000Z');

function aRule(rule_id: string, over: Partial<RuleInService> = {}): RuleInService {
  return {
    rule_id,
    name: `Rule ${rule_id}`,
    severity: 'warning',
    kind: 'regex',
    agents: [
      {
        agent_id: 'a-1',
        agent_name: 'Door',
        hits: 0,
        last_hit: null,
        cost_ns: null,
        slow: false,
        disabled: null,
      },
    ],
    agents_count: 1,
    hits: 0,
    last_hit: null,
    cost_ns: null,
    slow: false,
    disabled: false,
    ...over,
  };
}

const RULES = [
  aRule('never', { severity: 'critical', cost_ns: 20 }),
  aRule('old', { hits: 90, last_hit: '2026-11-19T12:00:00.000Z', slow: true }),
  aRule('fresh', { hits: 7, last_hit: '2026-11-21T11:59:00.000Z', cost_ns: 900, kind: 'absence' }),
];
const ids = (rules: readonly RuleInService[]) => rules.map(({ rule_id }) => rule_id);

test('every kind of the protocol can be chosen', () => {
  expect([...KINDS].sort()).toEqual([...RULE_KINDS].sort());
});

test('the address gives filter and order, and drops what it does not know', () => {
  expect(
    readRulesSearch({
      q: 'ssh',
      agent: 'a-1',
      severity: 'loud,error',
      kind: 'shape',
      state: 'slow,lazy',
      sort: 'cost',
      rule: 'r',
      page: '3',
    }),
  ).toEqual({
    q: 'ssh',
    agent: 'a-1',
    severity: ['error'],
    state: ['slow'],
    sort: 'cost',
    rule: 'r',
  });
});

test('silence is told from a rule that never matched, and a day is the border', () => {
  const at = (ms: number) => aRule('r', { last_hit: new Date(NOW - ms).toISOString() });
  expect(statesOf(aRule('r'), NOW)).toEqual(['never']);
  expect(statesOf(at(86_399_000), NOW)).toEqual([]);
  expect(statesOf(at(86_400_000), NOW)).toEqual(['silent']);
  expect(statesOf(aRule('r', { disabled: true, slow: true }), NOW)).toEqual([
    'disabled',
    'slow',
    'never',
  ]);
  expect(countStates(RULES, NOW)).toEqual({ disabled: 0, slow: 1, never: 1, silent: 1 });
});

test('filters hold together, and any of the chosen states is enough', () => {
  expect(ids(filterRules(RULES, { state: ['slow', 'never'] }, NOW))).toEqual(['never', 'old']);
  expect(ids(filterRules(RULES, { kind: 'absence', q: ' FRESH ' }, NOW))).toEqual(['fresh']);
  expect(ids(filterRules(RULES, { kind: 'absence', severity: ['critical'] }, NOW))).toEqual([]);
  expect(filterRules(RULES, { q: 'door' }, NOW)).toHaveLength(3);
});

test.each([
  ['hits', ['old', 'fresh', 'never']],
  ['latest', ['fresh', 'old', 'never']],
  ['silent', ['never', 'old', 'fresh']],
  ['cost', ['fresh', 'never', 'old']],
  ['severity', ['never', 'fresh', 'old']],
  ['name', ['fresh', 'never', 'old']],
] as const)('ordered by %s', (order, expected) => {
  expect(ids(sortRules(RULES, order))).toEqual(expected);
  expect(ORDERS).toContain(order);
});
