/** What agents are told follows what they are: new, labelled otherwise, grouped otherwise, under another environment. */
import type { Executor } from '../../platform/ports.ts';
import type { AgentsService } from '../agents/index.ts';
import type { ConfigAnswer } from './config.ts';
import * as store from './configs.store.ts';
import type { NewConfig } from './fleet.store.ts';
import { pinNewcomer } from './holds.store.ts';
import {
  type AllJudged,
  attempt,
  judgeAll,
  judgeRegroup,
  newConfig,
  refuseInvalid,
} from './judge.ts';
import { answerOf, loadOne } from './one-agent.ts';
import type { Publisher } from './publisher.ts';
import { groupScope, type ScopeRef } from './scopes.ts';
import { effectiveOf, type LoadStacks, type Regrouped } from './stacks.ts';

export function createFollowing({
  agents,
  load,
  publisher: { tell, holdAgents },
}: {
  agents: AgentsService;
  load: LoadStacks;
  publisher: Pick<Publisher, 'tell' | 'holdAgents'>;
}) {
  return {
    /** Computes the hash of what is in force and keeps it beside the agent; secrets are masked. */
    async refreshHash(db: Executor, agentId: string): Promise<ConfigAnswer> {
      const row = await agents.lock(db, agentId);
      // Nobody else sees a new agent yet, so who changes the whole fleet does not wait for it.
      if (row.config_hash === null) {
        await store.waitForFleet(db);
        await pinNewcomer(db, agentId);
      }
      const { stacks, agent } = await loadOne(load, db, agentId);
      const told = stacks.told(agent);
      const answer = answerOf(agent, told);
      if (answer.hash !== agent.config_hash) await tell(db, [newConfig(agent, told)]);
      return answer;
    },

    /**
     * What selectors look at changed of a locked agent: it may be in other groups now.
     * @throws {OpmasError} OPMAS_INVALID_CONFIGURATION when it would have no valid configuration in them
     */
    async relabel(db: Executor, agentId: string): Promise<void> {
      const { stacks, agent } = await loadOne(load, db, agentId);
      // Labels can be changed while a secret of the configuration cannot be read.
      const told = attempt(stacks, agent);
      if (told === undefined || effectiveOf(told).hash === agent.config_hash) return;
      await tell(db, [newConfig(agent, told)]);
    },

    /**
     * Works out anew what every agent is told: at the start, when the environment may be another one.
     * @returns the agents that changed, and those that have no valid configuration now
     */
    async refreshAll(db: Executor) {
      await holdAgents(db);
      const { changed, invalid: refused } = judgeAll(await load(db, 'all'));
      await tell(db, changed);
      return { changed, invalid: refused };
    },

    /**
     * Runs `change`, which alters whom the group reaches, and tells the agents.
     * @throws {OpmasError} OPMAS_INVALID_CONFIGURATION when one would have no valid configuration, or the layer
     * is wrong for one that joins
     */
    async regroup(
      db: Executor,
      group: ScopeRef,
      change: () => Promise<void>,
    ): Promise<readonly NewConfig[]> {
      await holdAgents(db);
      const before = await load(db, 'all');
      await change();
      const judgement = judgeRegroup(before, await load(db, 'all'), group);
      refuseInvalid(undefined, judgement);
      await tell(db, judgement.changed);
      return judgement.changed;
    },

    /** What `regroup` would come to for a group that is there, without doing it. */
    async previewRegroup(db: Executor, group: Regrouped): Promise<AllJudged> {
      const before = await load(db, 'all');
      const after = await load(db, 'all', group);
      return judgeRegroup(before, after, groupScope(group.name));
    },
  };
}
