/** Pages of rules over any number of agents. */
import type { Rule } from '@opmas/protocol';
import { ruleVersion } from '@opmas/rules';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RulesPage } from './in-service.ts';
import { rulesLimits } from './limits.ts';
import type { UsageRow } from './usage.store.ts';

const rule = (id: string): Rule => ({
  id,
  name: id,
  pattern: 'x',
  severity: 'info',
  action: 'alert',
});

/** As the service does: agents some at a time, usage only of rules in range. */
function pageOf(
  fleet: ReadonlyMap<string, readonly string[]>,
  { after = '', rules = 3, agents = 2, leftOut = [] as readonly string[] },
) {
  const page = new RulesPage(after, rules, new Set(leftOut));
  const ids = [...fleet.keys()];
  for (let from = 0; from < ids.length; from += agents) {
    const some = ids.slice(from, from + agents);
    const { after: least, upTo } = page.range;
    const usage: UsageRow[] = some.flatMap((agent_id) =>
      (fleet.get(agent_id) ?? [])
        .filter((id) => id > least && (upTo === undefined || id <= upTo))
        .map((rule_id) => ({
          agent_id,
          rule_id,
          hits: 1,
          last_hit: null,
          cost_ns: 1,
          slow: false,
        })),
    );
    page.add(
      some.map((agent_id) => ({ agent_id, agent_name: agent_id })),
      {
        rulesOf: new Map(some.map((id) => [id, (fleet.get(id) ?? []).map(rule)])),
        usage,
        disabled: [],
      },
    );
  }
  return page.rows;
}

test('pages one after the other hold every rule once, with all its agents', () => {
  const id = fc.string({
    unit: fc.constantFrom('a', 'b', 'C', '-', '9'),
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(
    fc.property(
      fc.array(fc.uniqueArray(id, { maxLength: 12 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 4 }),
      fc.uniqueArray(id, { maxLength: 3 }),
      (agentsRules, rules, agents, leftOut) => {
        const fleet = new Map(agentsRules.map((ids, n) => [`agent-${n}`, ids]));
        const counts = new Map<string, number>();
        for (const each of agentsRules.flat()) counts.set(each, (counts.get(each) ?? 0) + 1);
        for (const each of leftOut) counts.delete(each);
        const told: [string, number, number][] = [];
        for (let after = ''; ; ) {
          const page = pageOf(fleet, { after, rules, agents, leftOut });
          expect(page.length).toBeLessThanOrEqual(rules);
          told.push(
            ...page.map((row): [string, number, number] => [
              row.rule_id,
              row.agents_count,
              row.hits,
            ]),
          );
          const last = page.at(-1);
          if (last === undefined) break;
          after = last.rule_id;
        }
        const expected = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
        expect(told).toEqual(expected.map(([each, count]) => [each, count, count]));
      },
    ),
    { numRuns: 300 },
  );
});

test('of many agents those that took the rule out are named, then those on which it hits most', () => {
  const names = Array.from({ length: 1_200 }, (_, n) => `agent-${String(n).padStart(4, '0')}`);
  const page = new RulesPage('', 10, new Set());
  const out = { rule_id: 'r', rule_version: ruleVersion(rule('r')), reason: 'slow' };
  for (const [n, agent_id] of names.entries()) {
    page.add([{ agent_id, agent_name: agent_id }], {
      rulesOf: new Map([[agent_id, [rule('r')]]]),
      usage: [{ agent_id, rule_id: 'r', hits: n, last_hit: null, cost_ns: null, slow: n === 7 }],
      disabled: n === 3 ? [{ ...out, agent_id, since: new Date(0) }] : [],
    });
  }
  const [row] = page.rows;
  expect(row).toMatchObject({ agents_count: 1_200, slow: true, disabled: true });
  expect(row?.agents).toHaveLength(rulesLimits.namedAgents);
  expect(row?.agents.slice(0, 2)).toMatchObject([
    { agent_id: 'agent-0003', disabled: { reason: 'slow', since: '1970-01-01T00:00:00.000Z' } },
    { agent_id: 'agent-1199', disabled: null },
  ]);
});
