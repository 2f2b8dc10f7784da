/** Configurations: the layers agents are told, each part in a file of its own, and how a layer is written. */
import type { ConfigLayer, ControlMessage } from '@opmas/protocol';
import { type Clock, timestamp } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Executor, Vault } from '../../platform/ports.ts';
import type { AgentsService } from '../agents/index.ts';
import type { ConfigAnswer, ConfigChange, ConfigWrite, Validation } from './config.ts';
import * as store from './configs.store.ts';
import { createDraftRollouts } from './draft-rollouts.ts';
import { createDrafts } from './drafts.service.ts';
import { createFollowing } from './following.ts';
import { environmentLayer } from './layers.ts';
import { createPins } from './pins.ts';
import { previewChange } from './preview.ts';
import { type ConfigRulesCheck, createPublisher } from './publisher.ts';
import { createReading } from './reading.ts';
import { createRuntimeLayer } from './runtime-layer.ts';
import { describeScope, type ScopeRef } from './scopes.ts';
import { revealWritten } from './secret-values.ts';
import { createStacks } from './stacks.ts';
import { createStaging } from './staging.ts';

/** Control messages are worth hearing this long. */
const PUSH_DEADLINE_MS = 30_000;

export function createConfigsService(options: {
  agents: AgentsService;
  vault: Vault;
  clock: Clock;
  ids: Ids;
  /** `OPMAS_ENV`. */
  environment: string;
  /** `OPMAS_AGENT_*`. */
  agentEnvironment: Readonly<Record<string, string>>;
  /** Where agents reach the broker. */
  natsUrl: string;
  rulesCheck: ConfigRulesCheck;
  /** No agent can hear what the broker tells another: only then secrets travel over it. */
  agentsAreSeparate: boolean;
}) {
  const { agents, vault, clock, ids } = options;
  const load = createStacks({
    vault,
    environment: options.environment,
    variables: revealWritten(environmentLayer(options.agentEnvironment, options.natsUrl)),
  });

  const publisher = createPublisher({ ...options, load });
  const { requireScope, lock, publish, replace } = publisher;
  const staging = createStaging({ publisher, load });

  return {
    ...createReading({ agents, load, publisher }),
    ...createRuntimeLayer({ publisher, clock }),
    ...createFollowing({ agents, load, publisher }),
    ...createPins({ load, publisher }),

    /**
     * Replaces a layer. A secret is sealed, a masked one is kept. Refused when any agent it reaches had
     * a valid configuration and would not have.
     * @throws {OpmasError} OPMAS_INVALID_CONFIGURATION, OPMAS_VERSION_CONFLICT, OPMAS_AGENT_NOT_FOUND,
     * OPMAS_NOT_FOUND
     */
    replace,

    /**
     * Makes an old version the newest, with the secrets it had.
     * @throws {OpmasError} as replace, and OPMAS_NOT_FOUND when there is no such version
     */
    async rollback(
      db: Executor,
      ref: ScopeRef,
      input: ConfigWrite & { version: number },
    ): Promise<ConfigChange> {
      const version = await lock(db, ref, input.ifMatch);
      const old = await store.versionOf(db, ref, input.version);
      if (old === undefined) {
        throw new OpmasError(
          'OPMAS_NOT_FOUND',
          `There is no version ${input.version} of ${describeScope(ref)}`,
        );
      }
      return publish(db, ref, version, { stored: old.document, fresh: [] }, input);
    },

    /** What `replace` would do, without doing it. Never refuses a document: it says what is wrong. */
    async validate(db: Executor, ref: ScopeRef, document: ConfigLayer): Promise<Validation> {
      await requireScope(db, ref);
      return previewChange(db, ref, document, { ...publisher, load });
    },

    /** The message that makes running instances take over a configuration. */
    pushMessage(answer: ConfigAnswer): ControlMessage {
      const now = clock.now();
      return {
        command: 'update_config',
        command_id: ids.uuid(),
        timestamp: timestamp(now),
        deadline: timestamp(now + PUSH_DEADLINE_MS),
        // Without the configuration the agent asks for it, with its own token.
        payload: {
          ...(options.agentsAreSeparate ? { config: answer.config } : {}),
          version: answer.version,
          hash: answer.hash,
        },
      };
    },

    /** Layers that are prepared before they hold. */
    drafts: {
      ...createDrafts({ publisher, load, vault, clock, ids }),
      ...createDraftRollouts({ publisher, staging, clock }),
    },

    /** A new version that agents get one after another: for rollouts. */
    staging,

    /** @throws {OpmasError} OPMAS_CONFLICT while a job rolls the layer out */
    refuseHeld: (db: Executor, ref: ScopeRef) => publisher.refuseHeld(db, ref),
  };
}

export type ConfigsService = ReturnType<typeof createConfigsService>;
