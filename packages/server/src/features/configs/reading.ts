/** What may be read of configurations: what agents are told, the layers it comes from, and their versions. */
import type { ConfigLayer } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/ports.ts';
import type { AgentsService } from '../agents/index.ts';
import { type ConfigAnswer, type LayerAnswer, layerAnswer } from './config.ts';
import * as store from './configs.store.ts';
import { type Diff, diffStored } from './diff.ts';
import { attempt } from './judge.ts';
import { origins } from './layers.ts';
import { configLimits } from './limits.ts';
import { answerOf, loadOne } from './one-agent.ts';
import { wholeSchema } from './package-schema.ts';
import type { Publisher } from './publisher.ts';
import { agentScope, describeScope, labelOf, type ScopeRef } from './scopes.ts';
import { maskStored } from './secret-values.ts';
import type { LoadStacks } from './stacks.ts';

export function createReading({
  agents,
  load,
  publisher: { requireScope },
}: {
  agents: AgentsService;
  load: LoadStacks;
  publisher: Pick<Publisher, 'requireScope'>;
}) {
  return {
    /**
     * The effective configuration; with `origins`, the layer each value comes from. Secrets are masked
     * but in what the agent itself is told. The layer by itself is told whatever the effective one comes to;
     * `hash` is that of the last valid one then.
     * @throws {OpmasError} OPMAS_AGENT_NOT_FOUND; OPMAS_INVALID_CONFIGURATION and OPMAS_SECRET_UNREADABLE for
     * the effective one
     */
    async effective(
      db: Executor,
      agentId: string,
      query: { origins?: boolean; layer?: 'database' } = {},
      { asAgent = false } = {},
    ): Promise<ConfigAnswer> {
      const { stacks, agent } = await loadOne(load, db, agentId);
      if (query.layer === 'database') {
        // Also of an agent without a valid configuration: whoever mends it reads what is there first.
        const result = attempt(stacks, agent)?.result;
        const own = await store.headOf(db, agentScope(agentId));
        return {
          agent_id: agent.id,
          version: agent.config_version,
          hash: (result?.ok === true ? result.value.hash : agent.config_hash) ?? '',
          config: maskStored(own?.document ?? {}),
        };
      }
      const told = stacks.told(agent);
      const answer = answerOf(agent, told, { asAgent });
      if (query.origins !== true) return answer;
      const layers = stacks.headsOf(agent).map((head) => {
        const origin = {
          version: head.version,
          author: head.author ?? '',
          reason: head.reason,
          created_at: head.created_at?.toISOString() ?? '',
          pinned: stacks.isPinned(head, agent),
        };
        return [labelOf(head), origin] as const;
      });
      return { ...answer, origins: origins(told.layers), layers: Object.fromEntries(layers) };
    },

    /** The effective configurations of several agents, masked; none of an agent whose cannot be worked out, or is not valid. */
    async effectiveOfAll(
      db: Executor,
      agentIds: readonly string[],
    ): Promise<ReadonlyMap<string, ConfigAnswer['config']>> {
      const stacks = await load(db, agentIds);
      const configs = new Map<string, ConfigAnswer['config']>();
      for (const agent of stacks.receivers) {
        const told = attempt(stacks, agent);
        if (told?.result.ok === true) configs.set(agent.id, answerOf(agent, told).config);
      }
      return configs;
    },

    /** One layer by itself. @throws {OpmasError} OPMAS_AGENT_NOT_FOUND, OPMAS_NOT_FOUND */
    async layer(db: Executor, ref: ScopeRef): Promise<LayerAnswer> {
      await requireScope(db, ref);
      return layerAnswer(ref, await store.headOf(db, ref));
    },

    /**
     * Newest first, secrets masked: those before a version, at most `limit`, fewer where they are large.
     * @returns with `next`, what to give as `before` for those that follow, when there are any
     */
    async history(
      db: Executor,
      ref: ScopeRef,
      limit: number,
      before?: number,
    ): Promise<{ items: store.LayerVersion[]; next: number | undefined }> {
      await requireScope(db, ref);
      const items: store.LayerVersion[] = [];
      let chars = 0;
      for (;;) {
        const last = items.at(-1)?.version;
        const wanted = Math.min(configLimits.historyRead, limit + 1 - items.length);
        const rows = await store.listVersions(db, ref, wanted, last ?? before);
        for (const row of rows) {
          const item = { ...row, document: maskStored(row.document) };
          chars += JSON.stringify(item.document).length;
          const isFull = items.length === limit || chars > configLimits.historyChars;
          if (isFull && items.length > 0) return { items, next: items.at(-1)?.version };
          items.push(item);
        }
        if (rows.length < wanted) return { items, next: undefined };
      }
    },

    /**
     * Between two versions of a layer; version 0 is the empty one before the first.
     * @throws {OpmasError} OPMAS_NOT_FOUND
     */
    async diff(
      db: Executor,
      ref: ScopeRef,
      { from, to }: { from?: number | undefined; to?: number | undefined },
    ): Promise<Diff & { from: number; to: number }> {
      await requireScope(db, ref);
      const newest = to ?? (await store.headOf(db, ref))?.version ?? 0;
      const oldest = from ?? Math.max(0, newest - 1);
      const documentAt = async (version: number): Promise<ConfigLayer> => {
        if (version === 0) return {};
        const row = await store.versionOf(db, ref, version);
        if (row !== undefined) return row.document;
        throw new OpmasError(
          'OPMAS_NOT_FOUND',
          `There is no version ${version} of ${describeScope(ref)}`,
        );
      };
      const difference = diffStored(await documentAt(oldest), await documentAt(newest));
      return { from: oldest, to: newest, ...difference };
    },

    /** What a layer of this agent may hold, as one JSON Schema. */
    async schema(db: Executor, agentId: string): Promise<Record<string, unknown>> {
      const { name, config_schema: schema } = await agents.get(db, agentId);
      return wholeSchema(schema, name);
    },

    /** What each of these agents is told, secrets in plain text, or why it cannot be worked out. */
    async allTold(
      db: Executor,
      agentIds: readonly string[],
    ): Promise<Map<string, ConfigAnswer | OpmasError>> {
      const stacks = await load(db, agentIds);
      return new Map(
        stacks.receivers.map((agent): [string, ConfigAnswer | OpmasError] => {
          try {
            return [agent.id, answerOf(agent, stacks.told(agent), { asAgent: true })];
          } catch (error) {
            if (error instanceof OpmasError) return [agent.id, error];
            throw error;
          }
        }),
      );
    },
  };
}
