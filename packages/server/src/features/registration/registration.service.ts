/** From a judged package to an agent with an identity, and from a one-time token to credentials. */
import {
  type ConfigLayer,
  type CredentialsRequest,
  credentialsChallenge,
  type Manifest,
  type RegistrationAnswer,
  type RegistrationRequest,
  type Rule,
} from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { type Ids, secretHash } from '../../kernel/ids.ts';
import type { Broker, Database, Executor } from '../../platform/ports.ts';
import {
  type AgentRow,
  type AgentsService,
  formerAgent,
  insertAgent,
  livingAgentByName,
} from '../agents/index.ts';
import { recordAudit, SYSTEM } from '../audit/index.ts';
import { AGENT_SECONDS, type Tokens, unauthenticated } from '../auth/index.ts';
import type { ConfigsService } from '../configs/index.ts';
import type { CredentialsIssuer } from '../credentials/index.ts';
import * as store from './registration.store.ts';

export interface ReadyPackage {
  path: string;
  folder: string;
  manifest: Manifest;
  digest: string;
  /** This version in the package store. */
  dir: string;
  entry: 'code' | 'rules';
  rules: Rule[];
  approvedBy: string;
}

const TOKEN_MS = 10 * 60_000;
/** How far an agent's clock may be off when it signs. */
const SKEW_MS = 120_000;

export function createRegistrationService(options: {
  database: Database;
  agents: AgentsService;
  configs: ConfigsService;
  credentials: CredentialsIssuer;
  tokens: Tokens;
  broker: Broker;
  clock: Clock;
  ids: Ids;
  hostId: string;
  onAgent(agentId: string): void;
}) {
  const { database, agents, configs, credentials, tokens, broker, clock, ids } = options;

  async function create(db: Executor, pkg: ReadyPackage): Promise<string> {
    const { manifest } = pkg;
    const id = `${manifest.type}-${ids.uuid()}`;
    await insertAgent(db, {
      id,
      name: manifest.name,
      type: manifest.type,
      version: manifest.version,
      description: manifest.description,
      tags: manifest.tags,
      status: 'discovered',
      reason: `Found in ${pkg.folder}`,
      at: new Date(clock.now()),
    });
    await recordAudit(db, {
      caller: SYSTEM,
      action: 'agents.discovered',
      object: id,
      outcome: 'ok',
      details: { package: pkg.folder, digest: pkg.digest, approved_by: pkg.approvedBy },
    });
    return id;
  }

  /** Defaults that come with the package: topics and rules. */
  function packageLayer(pkg: ReadyPackage): ConfigLayer {
    return {
      subscribed_topics: pkg.manifest.subscribed_topics,
      findings_topic: pkg.manifest.findings_topic,
      rules: pkg.rules,
    };
  }

  async function adopt(db: Executor, pkg: ReadyPackage, existing: AgentRow | undefined) {
    const { manifest } = pkg;
    const id = existing?.id ?? (await create(db, pkg));
    const isNew =
      existing === undefined || existing.status === 'discovered' || existing.status === 'removed';
    const changed = existing?.package_digest !== pkg.digest;
    const limits = manifest.resources;
    await agents.change(db, id, {
      ...(isNew
        ? {
            status: 'registered' as const,
            reason: 'Registered; waiting for its first start',
            desired: 'running' as const,
          }
        : {}),
      bump: existing !== undefined && (changed || existing.status === 'removed'),
      set: {
        version: manifest.version,
        // Later versions leave alone what people may have written since.
        ...(isNew ? { description: manifest.description, tags: manifest.tags } : {}),
        package_path: pkg.path,
        package_digest: pkg.digest,
        package_dir: pkg.dir,
        entry: pkg.entry,
        host_id: existing?.host_id ?? options.hostId,
        default_config: JSON.stringify(packageLayer(pkg)),
        limits: JSON.stringify({
          ...(limits.max_memory_bytes === undefined
            ? {}
            : { memory_bytes: limits.max_memory_bytes }),
          ...(limits.cpu_limit === undefined ? {} : { cpus: limits.cpu_limit }),
        }),
      },
    });
    const answer = await configs.refreshHash(db, id);
    return { id, changed, running: existing?.status === 'running', answer };
  }

  async function access(db: Executor, agentId: string, publicKey: string | undefined) {
    const agent = await agents.get(db, agentId);
    const { publicKey: key, ...nats } = credentials.issue(
      { name: agent.name, topics: agent.subscribed_topics, findingsTopic: agent.findings_topic },
      { publicKey, seconds: AGENT_SECONDS },
    );
    const answer: RegistrationAnswer = {
      agent_id: agentId,
      access_token: await tokens.issue(
        { kind: 'agent', id: agentId, name: agent.name, roles: [] },
        { seconds: AGENT_SECONDS },
      ),
      expires_in: AGENT_SECONDS,
      nats,
      config_version: agent.config_version,
    };
    return { answer, publicKey: key };
  }

  return {
    /**
     * Makes or updates the agent of an approved package; the same package again changes nothing.
     * Its consumers exist before it returns, so nothing published from then on is missed.
     */
    async packageReady(pkg: ReadyPackage): Promise<{ agent_id: string }> {
      const result = await database.transaction(async (tx) =>
        adopt(
          tx,
          pkg,
          (await livingAgentByName(tx, pkg.manifest.name)) ??
            (await formerAgent(tx, pkg.manifest.name, pkg.path)),
        ),
      );
      const { subscribed_topics: topics } = result.answer.config as { subscribed_topics: string[] };
      await broker.ensureConsumers(pkg.manifest.name, topics);
      options.onAgent(result.id);
      return { agent_id: result.id };
    },

    /** The package's folder is gone: its agent is stopped and marked. */
    async packageGone(agentId: string): Promise<void> {
      await database.transaction(async (tx) => {
        const agent = await agents.get(tx, agentId);
        if (agent.status === 'removed') return;
        await agents.change(tx, agentId, {
          status: 'removed',
          reason: 'Its package was removed from the agents directory',
          desired: 'stopped',
          bump: true,
          set: { pid: null, instance_id: null },
        });
      });
      options.onAgent(agentId);
    },

    /** A one-time token for an agent's first start; only its hash is kept. */
    async issueToken(db: Executor, agentId: string): Promise<string> {
      const token = ids.secret();
      await store.insertToken(db, {
        token_hash: secretHash(token),
        agent_id: agentId,
        expires_at: new Date(clock.now() + TOKEN_MS),
      });
      return token;
    },

    /**
     * @throws {OpmasError} OPMAS_TOKEN_INVALID (unknown, used, expired), OPMAS_AGENT_NAME_TAKEN (the
     * token is another agent's), OPMAS_CONFLICT (type or version differ from the package)
     */
    async register(db: Executor, request: RegistrationRequest): Promise<RegistrationAnswer> {
      const agentId = await store.takeToken(
        db,
        secretHash(request.discovery_token),
        new Date(clock.now()),
      );
      if (agentId === undefined) {
        throw new OpmasError(
          'OPMAS_TOKEN_INVALID',
          'The registration token is not known, was used, or has expired; a new launch gets a new one',
        );
      }
      const agent = await agents.get(db, agentId);
      if (agent.status === 'removed') {
        throw new OpmasError('OPMAS_TOKEN_INVALID', 'The agent was removed');
      }
      if (agent.name !== request.agent_name) {
        throw new OpmasError(
          'OPMAS_AGENT_NAME_TAKEN',
          `The token belongs to ${agent.name}, not to ${request.agent_name}`,
        );
      }
      if (agent.type !== request.agent_type || agent.version !== request.agent_version) {
        throw new OpmasError(
          'OPMAS_CONFLICT',
          `Expected ${agent.name} ${agent.version} of type ${agent.type}, got ${request.agent_version} of type ${request.agent_type}`,
        );
      }
      const { answer, publicKey } = await access(db, agentId, request.public_key);
      await agents.change(db, agentId, {
        conditions: [{ type: 'unenrolled', present: false }],
        set: { public_key: publicKey ?? null },
      });
      return answer;
    },

    /**
     * Renewal: proof is a signature by the key the agent registered.
     * @throws {OpmasError} OPMAS_UNAUTHENTICATED, OPMAS_AGENT_NOT_FOUND
     */
    async renew(
      db: Executor,
      agentId: string,
      request: CredentialsRequest,
    ): Promise<RegistrationAnswer> {
      const agent = await agents.get(db, agentId);
      const now = clock.now();
      const signedAt = Date.parse(request.timestamp);
      if (agent.status === 'removed' || agent.public_key === null) {
        throw unauthenticated('The agent is not enrolled');
      }
      if (!Number.isFinite(signedAt) || Math.abs(signedAt - now) > SKEW_MS) {
        throw unauthenticated('The timestamp is too far from now; check the clock');
      }
      const text = credentialsChallenge({ agent_id: agentId, ...request });
      if (!credentials.verify(agent.public_key, text, request.signature)) {
        throw unauthenticated('The signature does not match the registered key');
      }
      const fresh = await store.rememberNonce(db, {
        agent_id: agentId,
        nonce: request.nonce,
        expires_at: new Date(now + 2 * SKEW_MS),
      });
      if (!fresh) throw unauthenticated('The nonce was used before');
      return (await access(db, agentId, agent.public_key)).answer;
    },
  };
}

export type RegistrationService = ReturnType<typeof createRegistrationService>;
