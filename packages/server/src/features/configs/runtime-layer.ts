/** The runtime layer of an agent: kept for good, or emptied when its time is over. */
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/ports.ts';
import type { ConfigChange, ConfigWrite } from './config.ts';
import * as store from './configs.store.ts';
import { mergeDocuments } from './documents.ts';
import { configLimits } from './limits.ts';
import type { Publisher } from './publisher.ts';
import { agentScope, runtimeScope } from './scopes.ts';

export function createRuntimeLayer({
  publisher: { lock, publish },
  clock,
}: {
  publisher: Pick<Publisher, 'lock' | 'publish'>;
  clock: Clock;
}) {
  return {
    /** Moves the runtime layer into the agent's own, where it stays. */
    async keepRuntime(
      db: Executor,
      agentId: string,
      input: ConfigWrite,
    ): Promise<{ own: ConfigChange; runtime: ConfigChange }> {
      const version = await lock(db, agentScope(agentId), undefined);
      const runtimeVersion = await store.lockHead(db, runtimeScope(agentId));
      const runtime = (await store.headOf(db, runtimeScope(agentId)))?.document ?? {};
      if (Object.keys(runtime).length === 0) {
        throw new OpmasError('OPMAS_CONFLICT', `${agentId} has no runtime configuration to keep`);
      }
      const own = (await store.headOf(db, agentScope(agentId)))?.document ?? {};
      const merged = { stored: mergeDocuments(own, runtime), fresh: [] };
      const kept = await publish(db, agentScope(agentId), version, merged, input);
      const nothing = { stored: {}, fresh: [] };
      const emptied = await publish(db, runtimeScope(agentId), runtimeVersion, nothing, input);
      return { own: kept, runtime: emptied };
    },

    /** Agents whose runtime layer has had its time: the first ones by id, or those that follow on `after`. */
    expiredRuntime: (db: Executor, after?: string): Promise<string[]> =>
      store.expiredRuntime(db, new Date(clock.now()), configLimits.expiries, after),

    /** Empties the runtime layer if it has had its time. */
    async expireRuntime(db: Executor, agentId: string): Promise<ConfigChange | undefined> {
      const ref = runtimeScope(agentId);
      const version = await lock(db, ref, undefined);
      const head = await store.headOf(db, ref);
      const expiresAt = head?.expires_at?.getTime() ?? Number.POSITIVE_INFINITY;
      if (expiresAt > clock.now()) return undefined;
      const input = { author: 'system', reason: 'Its time was over' };
      return publish(db, ref, version, { stored: {}, fresh: [] }, input);
    },
  };
}
