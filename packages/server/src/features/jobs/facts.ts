/** What the engine sees of agents: their rows, their actions, and where their deliveries stand. */
import type { Executor } from '../../platform/ports.ts';
import type { DeliveriesService } from '../deliveries/index.ts';
import { factsOf } from './job-agents.store.ts';
import type { Facts } from './verdict.ts';

export type LoadFacts = (
  db: Executor,
  agents: readonly { agent_id: string; action_id: string | null }[],
) => Promise<Map<string, Facts>>;

export function createFacts(deliveries: Pick<DeliveriesService, 'states'>): LoadFacts {
  return async (db, agents) => {
    if (agents.length === 0) return new Map();
    const rows = await factsOf(db, agents);
    const states = new Map(
      (await deliveries.states(db, [...rows.keys()])).map((each) => [each.agent_id, each]),
    );
    return new Map(
      [...rows].map(([id, row]) => [id, { ...row, delivery: states.get(id) }] as const),
    );
  };
}
