/** Puts together the rules that agents run with what they said of them: a page of rules over any number of agents. */
import type { Rule, Static } from '@opmas/protocol';
import { ruleVersion } from '@opmas/rules';
import { rulesLimits } from './limits.ts';
import type { RuleInService } from './schemas.ts';
import type { DisabledRow, UsageRow } from './usage.store.ts';

export interface AgentNamed {
  agent_id: string;
  agent_name: string;
}

/** What is known of some agents. */
export interface Known {
  rulesOf: ReadonlyMap<string, readonly Rule[]>;
  usage: readonly UsageRow[];
  disabled: readonly DisabledRow[];
}

type InService = Static<typeof RuleInService>;
type OnAgent = InService['agents'][number];

/** Rules on the way to a page, in pages: more are thrown out again. */
const PAGES_HELD = 4;

/**
 * Collects rules of agents, some agents at a time, and keeps those that come first by id behind `after`. What it
 * holds is bounded by the page, however many agents and rules there are.
 */
export class RulesPage {
  readonly #after: string;
  readonly #rules: number;
  readonly #leftOut: ReadonlySet<string>;
  readonly #found = new Map<string, InService>();
  /** Rules behind it are not on this page. */
  #last: string | undefined;

  /** @param leftOut ids of rules that are not asked for */
  constructor(after: string, rules: number, leftOut: ReadonlySet<string>) {
    this.#after = after;
    this.#rules = rules;
    this.#leftOut = leftOut;
  }

  /** Ids of rules that may still be on the page lie in between. */
  get range(): { after: string; upTo: string | undefined } {
    return { after: this.#after, upTo: this.#last };
  }

  add(agents: readonly AgentNamed[], { rulesOf, usage, disabled }: Known): void {
    const used = new Map(usage.map((row) => [nameOf(row.agent_id, row.rule_id), row]));
    const out = new Map(disabled.map((row) => [nameOf(row.agent_id, row.rule_id), row]));
    for (const { agent_id, agent_name } of agents) {
      for (const rule of rulesOf.get(agent_id) ?? []) {
        if (!this.#wants(rule.id)) continue;
        const name = nameOf(agent_id, rule.id);
        const said = out.get(name);
        // Of another version: the rule was edited since, and the agent has not said anything of it.
        const isOut = said !== undefined && said.rule_version === ruleVersion(rule);
        const agent = { agent_id, agent_name };
        this.#put(rule, onAgent(agent, used.get(name), isOut ? said : undefined));
      }
      this.#makeRoom(PAGES_HELD * this.#rules);
    }
  }

  /** By id; of rules that are the same on several agents in name only, the first agent's name is told. */
  get rows(): InService[] {
    this.#makeRoom(this.#rules);
    return [...this.#found.values()].sort(byId).map((rule) => ({ ...rule, agents: most(rule) }));
  }

  #wants(id: string): boolean {
    if (id <= this.#after || this.#leftOut.has(id)) return false;
    return this.#last === undefined || id <= this.#last;
  }

  #put({ id, name, severity, kind }: Rule, here: OnAgent): void {
    const rule = this.#found.get(id);
    const isOut = here.disabled !== null;
    if (rule === undefined) {
      const { hits, last_hit, cost_ns, slow } = here;
      const sums = { agents: [here], agents_count: 1, hits, last_hit, cost_ns, slow };
      const about = { rule_id: id, name, severity, kind: kind ?? 'substring' };
      this.#found.set(id, { ...about, ...sums, disabled: isOut });
      return;
    }
    rule.agents.push(here);
    if (rule.agents.length > PAGES_HELD * rulesLimits.namedAgents) rule.agents = most(rule);
    rule.agents_count += 1;
    rule.hits += here.hits;
    rule.last_hit = latest(rule.last_hit, here.last_hit);
    rule.cost_ns = here.cost_ns === null ? rule.cost_ns : Math.max(rule.cost_ns ?? 0, here.cost_ns);
    rule.slow ||= here.slow;
    rule.disabled ||= isOut;
  }

  /** What is thrown out comes behind a whole page of others, and so do all behind it. */
  #makeRoom(rules: number): void {
    if (this.#found.size <= rules) return;
    const ids = [...this.#found.keys()].sort();
    this.#last = ids[this.#rules - 1];
    for (const id of ids.slice(this.#rules)) this.#found.delete(id);
  }
}

function onAgent(
  agent: AgentNamed,
  row: UsageRow | undefined,
  out: DisabledRow | undefined,
): OnAgent {
  return {
    ...agent,
    hits: row?.hits ?? 0,
    last_hit: row?.last_hit?.toISOString() ?? null,
    cost_ns: row?.cost_ns ?? null,
    slow: row?.slow ?? false,
    disabled: out === undefined ? null : { reason: out.reason, since: out.since.toISOString() },
  };
}

/** Agents that took the rule out come first, then those on which it hits most. */
function most({ agents }: InService): OnAgent[] {
  return agents
    .sort((a, b) => Number(a.disabled === null) - Number(b.disabled === null) || b.hits - a.hits)
    .slice(0, rulesLimits.namedAgents);
}

function byId(a: InService, b: InService): number {
  return a.rule_id < b.rule_id ? -1 : 1;
}

function nameOf(agentId: string, ruleId: string): string {
  return `${agentId}\u0000${ruleId}`;
}

/** Of two times in the same form. */
function latest(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}
