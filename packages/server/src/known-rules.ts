/** Which rules an agent runs, and which it ran before: asked of configurations for the features that try rules. */
import { type Rule, limits as wire } from '@opmas/protocol';
import type { AgentsService } from './features/agents/index.ts';
import { agentScope, type ConfigsService, FLEET } from './features/configs/index.ts';
import type { KnownRules } from './features/findings/index.ts';
import type { AgentNamed, InForce } from './features/rules/index.ts';
import { OpmasError } from './kernel/errors.ts';
import type { Reach } from './kernel/grants.ts';
import type { Executor } from './platform/ports.ts';

/** Versions of a layer looked through. */
const VERSIONS = 50;

export function rulesInForce(configs: ConfigsService) {
  return async (db: Executor, agentId: string): Promise<InForce> => {
    const { config } = await configs.effective(db, agentId);
    const { subscribed_topics } = config;
    return { rules: rulesOf(config), topics: subscribed_topics as string[] };
  };
}

/** The agent's rules now, those of its package, and those of earlier versions of its own layer and the fleet's. */
export function knownRules(options: { agents: AgentsService; configs: ConfigsService }) {
  const { agents, configs } = options;
  return async function* (db: Executor, agentId: string): AsyncGenerator<KnownRules> {
    try {
      const { config } = await configs.effective(db, agentId);
      yield { from: 'in_force', rules: rulesOf(config) };
      const { default_config } = await agents.get(db, agentId);
      yield { from: 'package', rules: rulesOf(default_config) };
      for (const scope of [agentScope(agentId), FLEET]) {
        let left = VERSIONS;
        for (let before: number | undefined; left > 0; ) {
          const { items, next } = await configs.history(db, scope, left, before);
          for (const { document } of items) {
            yield { from: 'earlier_configuration', rules: rulesOf(document) };
          }
          if (next === undefined) break;
          before = next;
          left -= items.length;
        }
      }
    } catch (error) {
      // An agent that was removed has no rules any more; its findings stay.
      if (!(error instanceof OpmasError && error.status === 404)) throw error;
    }
  };
}

/** Agents within reach, by name, page by page. */
export function agentsInReach(agents: AgentsService) {
  return async function* (
    db: Executor,
    { reach, agentId }: { reach: Reach; agentId: string | undefined },
  ): AsyncGenerator<AgentNamed[]> {
    const q = agentId === undefined ? {} : { q: agentId };
    let cursor: string | undefined;
    do {
      const query = { ...q, limit: wire.pageMax, ...(cursor === undefined ? {} : { cursor }) };
      const page = await agents.list(db, query, reach);
      yield page.items
        .filter(({ agent_id }) => agentId === undefined || agentId === agent_id)
        .map(({ agent_id, name }) => ({ agent_id, agent_name: name }));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  };
}

/** The rules that agents run, by agent. */
export function rulesOfAgents(configs: ConfigsService) {
  return async (
    db: Executor,
    agentIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly Rule[]>> => {
    const found = await configs.effectiveOfAll(db, agentIds);
    return new Map(Array.from(found, ([agentId, config]) => [agentId, rulesOf(config)]));
  };
}

/** Documents are checked when they are written. */
function rulesOf(document: Record<string, unknown>): readonly Rule[] {
  const { rules } = document;
  return Array.isArray(rules) ? (rules as Rule[]) : [];
}
