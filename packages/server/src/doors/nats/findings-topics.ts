/** Which agent may publish findings where: as its credentials say or said, not as a message claims. */
import type { SlotsService } from '../../features/credentials/index.ts';
import { limits } from '../../kernel/limits.ts';

interface Claim {
  agentId: string;
  topic: string;
}

export interface FindingsTopics {
  /** Those of `claims` that are true. @throws when the database is needed and away */
  allowed<T extends Claim>(claims: readonly T[]): Promise<T[]>;
}

/**
 * What an agent was once allowed stays good, and is not looked up again: a finding may lie in the stream for
 * days before it is read, while its agent was given another topic, or is gone.
 */
export function createFindingsTopics(slots: Pick<SlotsService, 'grantedTopics'>): FindingsTopics {
  const known = new Map<string, Set<string>>();
  const isKnown = ({ agentId, topic }: Claim) => known.get(agentId)?.has(topic) === true;

  async function learn(agentIds: readonly string[]): Promise<void> {
    for (const { agent_id, topic } of await slots.grantedTopics(agentIds)) {
      const topics = known.get(agent_id) ?? new Set();
      known.delete(agent_id);
      known.set(agent_id, topics.add(topic));
    }
    for (const id of known.keys()) {
      if (known.size <= limits.slotsRemembered) break;
      known.delete(id);
    }
  }

  return {
    allowed: async (claims) => {
      const unknown = claims.filter((claim) => !isKnown(claim));
      if (unknown.length > 0) await learn([...new Set(unknown.map(({ agentId }) => agentId))]);
      return claims.filter(isKnown);
    },
  };
}
