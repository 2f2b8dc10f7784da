/** What happens to configurations without anybody asking: at the start, and when a time is over. */
import { messageOf } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Database } from '../../platform/ports.ts';
import { type AuditLog, SYSTEM } from '../audit/index.ts';
import type { ConfigsService } from './configs.service.ts';
import { configLimits } from './limits.ts';

export function createConfigUpkeep(options: {
  database: Database;
  configs: ConfigsService;
  audit: Pick<AuditLog, 'record'>;
  /** Tells whoever brings configurations to agents. */
  pushConfig: () => void;
  logger: Logger;
}) {
  const { database, configs, audit, pushConfig, logger } = options;
  let isFresh = false;
  /** Agents whose runtime layer could not be ended, and what was said of it. */
  const failed = new Map<string, string>();
  /** Where the next look goes on when there were more than one takes. */
  let after: string | undefined;

  /**
   * Once after the start: the environment may say something else than before, and what agents are told
   * follows it. To be called until it has succeeded.
   */
  async function refresh(): Promise<void> {
    if (isFresh) return;
    const { changed, invalid } = await database.transaction((tx) => configs.refreshAll(tx));
    isFresh = true;
    if (changed.length > 0) pushConfig();
    for (const { agent, errors } of invalid.slice(0, configLimits.refusedAgents)) {
      logger.warn(
        { agent: agent.name, path: errors[0]?.path, fault: errors[0]?.message },
        'an agent has no valid configuration any more; it goes on with the one it has',
      );
    }
  }

  /** Ends the runtime layers that have had their time; those that cannot be ended hold up no other. */
  async function expireRuntime(): Promise<void> {
    const expired = await configs.expiredRuntime(database.pool, after);
    after = expired.length < configLimits.expiries ? undefined : expired.at(-1);
    for (const agentId of expired) {
      try {
        await database.transaction(async (tx) => {
          const ended = await configs.expireRuntime(tx, agentId);
          if (ended === undefined) return;
          await audit.record(tx, {
            caller: SYSTEM,
            action: 'configs.runtime.expired',
            object: agentId,
            outcome: 'ok',
            details: { version: ended.layer.version },
            before: ended.before,
            after: ended.after,
          });
        });
        failed.delete(agentId);
        pushConfig();
      } catch (error) {
        const message = messageOf(error);
        if (failed.get(agentId) === message) continue;
        if (failed.size >= configLimits.expiries) failed.clear();
        failed.set(agentId, message);
        logger.warn({ agent_id: agentId, err: message }, 'runtime configuration not ended');
      }
    }
  }

  /** Takes away drafts that nobody has changed for long. */
  async function expireDrafts(): Promise<void> {
    for (const id of await configs.drafts.old(database.pool)) {
      await database.transaction(async (tx) => {
        const gone = await configs.drafts.expire(tx, id);
        if (gone === undefined) return;
        const { scope, scope_id, author, document } = gone;
        await audit.record(tx, {
          caller: SYSTEM,
          action: 'drafts.expired',
          object: id,
          outcome: 'ok',
          details: { scope, name: scope_id, author },
          before: document,
        });
      });
    }
    await configs.drafts.forget(database.pool);
  }

  /** Ends what has had its time. */
  async function expire(): Promise<void> {
    await expireRuntime();
    await expireDrafts();
  }

  return { refresh, expire };
}

export type ConfigUpkeep = ReturnType<typeof createConfigUpkeep>;
