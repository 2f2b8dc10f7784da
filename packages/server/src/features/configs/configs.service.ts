/** What an agent shall do: reading the effective configuration, writing the database layer. */
import { type ConfigLayer, type ControlMessage, canonicalConfig } from '@opmas/protocol';
import { compileRules } from '@opmas/rules';
import { type Clock, timestamp } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/ports.ts';
import type { AgentRow, AgentsService } from '../agents/index.ts';
import { addToOutbox } from '../outbox/index.ts';
import * as store from './configs.store.ts';
import {
  type Effective,
  effectiveConfig,
  environmentLayer,
  type Layers,
  origins,
} from './layers.ts';

export interface ConfigAnswer {
  agent_id: string;
  version: number;
  hash: string;
  config: Record<string, unknown>;
  origins?: Record<string, string>;
}

/** Control messages are worth hearing this long. */
const PUSH_DEADLINE_MS = 30_000;

export function createConfigsService(options: {
  agents: AgentsService;
  clock: Clock;
  ids: Ids;
  /** `OPMAS_AGENT_*`. */
  agentEnvironment: Readonly<Record<string, string>>;
  /** Where agents reach the broker. */
  natsUrl: string;
}) {
  const { agents, clock, ids } = options;
  const environment = environmentLayer(options.agentEnvironment, options.natsUrl);

  async function layersOf(db: Executor, agent: AgentRow): Promise<Layers> {
    return {
      package: agent.default_config,
      environment,
      database: await store.databaseLayer(db, agent.id),
    };
  }

  function effective(layers: Layers): Effective {
    const result = effectiveConfig(layers);
    if (result.ok) return result.value;
    throw new OpmasError(
      'OPMAS_INVALID_CONFIGURATION',
      `The configuration would not be valid: ${result.errors[0]?.path ?? ''} ${result.errors[0]?.message ?? ''}`,
      { errors: result.errors },
    );
  }

  async function read(db: Executor, agentId: string): Promise<ConfigAnswer & { layers: Layers }> {
    const agent = await agents.get(db, agentId);
    const layers = await layersOf(db, agent);
    const { config, hash } = effective(layers);
    return { agent_id: agent.id, version: agent.config_version, hash, config, layers };
  }

  return {
    environment,

    /** The effective configuration; with `origins`, the layer each value comes from. */
    async effective(
      db: Executor,
      agentId: string,
      query: { origins?: boolean; layer?: 'database' } = {},
    ): Promise<ConfigAnswer> {
      const { layers, ...answer } = await read(db, agentId);
      if (query.layer === 'database') return { ...answer, config: layers.database };
      return query.origins === true ? { ...answer, origins: origins(layers) } : answer;
    },

    /**
     * Replaces the database layer: validated as part of the whole, stored as the next version, announced.
     * @throws {OpmasError} OPMAS_INVALID_CONFIGURATION, OPMAS_VERSION_CONFLICT, OPMAS_AGENT_NOT_FOUND
     */
    async replace(
      db: Executor,
      agentId: string,
      input: { document: ConfigLayer; reason?: string; ifMatch?: number; author: string },
    ): Promise<ConfigAnswer> {
      // The lock orders concurrent writers: versions grow one by one, none is lost.
      const agent = await agents.lock(db, agentId);
      if (input.ifMatch !== undefined && input.ifMatch !== agent.config_version) {
        throw new OpmasError(
          'OPMAS_VERSION_CONFLICT',
          `The configuration is at version ${agent.config_version}, not ${input.ifMatch}; read it again`,
        );
      }
      const document = canonicalConfig(input.document);
      refuseBadRules(document);
      const { config, hash } = effective({
        package: agent.default_config,
        environment,
        database: document,
      });
      const version = agent.config_version + 1;
      await store.writeLayer(db, {
        agent_id: agentId,
        version,
        document,
        reason: input.reason ?? null,
        author: input.author,
        at: new Date(clock.now()),
      });
      await agents.change(db, agentId, {
        // An agent that gave up on its configuration is started again with the new one.
        bump: agent.status === 'failed',
        set: {
          config_version: version,
          config_hash: hash,
          subscribed_topics: config.subscribed_topics,
          findings_topic: config.findings_topic,
        },
      });
      await addToOutbox(db, 'config.changed', { agent_id: agentId, version, hash });
      return { agent_id: agentId, version, hash, config };
    },

    /** The message that makes running instances take over a configuration. */
    pushMessage(answer: ConfigAnswer): ControlMessage {
      const now = clock.now();
      return {
        command: 'update_config',
        command_id: ids.uuid(),
        timestamp: timestamp(now),
        deadline: timestamp(now + PUSH_DEADLINE_MS),
        payload: { config: answer.config, version: answer.version, hash: answer.hash },
      };
    },

    async history(db: Executor, agentId: string, limit: number, before?: number) {
      await agents.get(db, agentId);
      return store.versions(db, agentId, limit, before);
    },

    /** Computes the hash of what is in force and keeps it beside the agent. */
    async refreshHash(db: Executor, agentId: string): Promise<ConfigAnswer> {
      const { layers: _, ...answer } = await read(db, agentId);
      const config = answer.config as { subscribed_topics: string[]; findings_topic: string };
      await agents.change(db, agentId, {
        set: {
          config_hash: answer.hash,
          subscribed_topics: config.subscribed_topics,
          findings_topic: config.findings_topic,
        },
      });
      return answer;
    },
  };
}

/** Rules that would not compile on the agent are refused here, each fault with its place. */
function refuseBadRules(document: ConfigLayer): void {
  const { rules } = document;
  if (rules === undefined) return;
  const compiled = compileRules(rules);
  if (compiled.ok) return;
  const errors = compiled.errors.map(({ index, path, message }) => ({
    path: index < 0 ? 'rules' : `rules[${index}]${path === '' ? '' : `.${path}`}`,
    message,
  }));
  throw new OpmasError(
    'OPMAS_INVALID_CONFIGURATION',
    `The configuration would not be valid: ${errors[0]?.path}: ${errors[0]?.message}`,
    { errors },
  );
}

export type ConfigsService = ReturnType<typeof createConfigsService>;
