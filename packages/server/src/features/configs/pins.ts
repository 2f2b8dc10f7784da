/** Agents held at a version of a layer, whatever its newest one is. */
import { OpmasError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/ports.ts';
import * as store from './configs.store.ts';
import type { NewConfig } from './fleet.store.ts';
import type { Publisher } from './publisher.ts';
import { describeScope, isOfOneAgent, type ScopeRef } from './scopes.ts';
import type { LoadStacks } from './stacks.ts';

export function createPins({
  load,
  publisher: { requireScope, retell, holdAgents },
}: {
  load: LoadStacks;
  publisher: Pick<Publisher, 'requireScope' | 'retell' | 'holdAgents'>;
}) {
  return {
    /**
     * From now on these agents see `version` of the scope, whatever its head; version 0 is an empty
     * layer. Pin first and publish then, and nobody changes before they are released.
     */
    async pin(
      db: Executor,
      ref: ScopeRef,
      version: number,
      agentIds: readonly string[],
    ): Promise<readonly NewConfig[]> {
      await holdAgents(db);
      await requireScope(db, ref);
      if (version !== 0 && (await store.versionOf(db, ref, version)) === undefined) {
        throw new OpmasError(
          'OPMAS_NOT_FOUND',
          `There is no version ${version} of ${describeScope(ref)}`,
        );
      }
      await store.addPins(db, ref, version, agentIds);
      return retell(db, agentIds);
    },

    /** These agents see the head of the scope again. */
    async release(
      db: Executor,
      ref: ScopeRef,
      agentIds: readonly string[],
    ): Promise<readonly NewConfig[]> {
      await holdAgents(db);
      await store.removePins(db, ref, agentIds);
      return retell(db, agentIds);
    },

    /** Agents the scope reaches, in the order of their ids. */
    async affected(db: Executor, ref: ScopeRef): Promise<{ id: string; name: string }[]> {
      await requireScope(db, ref);
      const stacks = await load(db, isOfOneAgent(ref) ? [ref.scope_id] : 'all');
      return stacks.receivers
        .filter((agent) => stacks.reaches(ref, agent))
        .map(({ id, name }) => ({ id, name }));
    },
  };
}
