/** From a one-time token, an enrollment token or a signature to credentials. */
import {
  type CredentialsRequest,
  credentialsChallenge,
  isFindingsTopic,
  isLogTopic,
  type LaunchRequest,
  type RegistrationAnswer,
  type RegistrationRequest,
} from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, OpmasError } from '../../kernel/errors.ts';
import { type Ids, secretHash } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Call } from '../../operation.ts';
import type { Broker, Database, Executor } from '../../platform/ports.ts';
import { type AgentsService, insertAgent, livingAgentByName } from '../agents/index.ts';
import { AGENT_SECONDS, type Tokens, unauthenticated } from '../auth/index.ts';
import type { ConfigsService } from '../configs/index.ts';
import type { CredentialsIssuer, Revocations, SlotsService } from '../credentials/index.ts';
import { type Enrollment, isEnrollmentToken, type TokensService } from '../tokens/index.ts';
import { failureThrottle } from './failure-throttle.ts';
import * as store from './registration.store.ts';
import { refuseUnvouched, tagsOf } from './vouching.ts';

const TOKEN_MS = 10 * 60_000;
/** How far an agent's clock may be off when it signs. */
const SKEW_MS = 120_000;
/** Hosts report every five seconds: by then one knows whose instance it is. */
const ASK_AGAIN_S = 5;

export interface EnrollmentOptions {
  database: Database;
  agents: AgentsService;
  configs: ConfigsService;
  credentials: CredentialsIssuer;
  slots: SlotsService;
  revocations: Revocations;
  enrollments: Pick<TokensService, 'takeEnrollment'>;
  tokens: Tokens;
  broker: Broker;
  clock: Clock;
  ids: Ids;
  logger: Logger;
  /** Something about the agent was committed that others want to hear of. */
  onAgent(agentId: string): void;
}

type RegisterCall = Pick<Call, 'commit' | 'audit' | 'remote'>;
type Commit = <T>(work: (tx: Executor) => Promise<T>) => Promise<T>;

export function createEnrollment(options: EnrollmentOptions) {
  const { database, agents, configs, credentials, slots, revocations, tokens, broker } = options;
  const { enrollments, clock, ids, logger, onAgent } = options;
  const throttle = failureThrottle(clock);

  async function access(
    db: Executor,
    where: { agentId: string; slot: number },
    publicKey: string | undefined,
  ): Promise<RegistrationAnswer> {
    const agent = await agents.get(db, where.agentId);
    const revoked = publicKey === undefined ? undefined : await revocations.ofKey(db, publicKey);
    const made = credentials.issue(
      { name: agent.name, topics: agent.subscribed_topics, findingsTopic: agent.findings_topic },
      { publicKey, seconds: AGENT_SECONDS, after: revoked?.upTo ?? 0 },
    );
    const { publicKey: key, issuedAt, ...nats } = made;
    await slots.issued(db, where, {
      publicKey: key,
      issuedAt,
      findingsTopic: agent.findings_topic,
    });
    return {
      agent_id: where.agentId,
      access_token: await tokens.issue(
        { kind: 'agent', id: where.agentId, name: agent.name, roles: [] },
        { seconds: AGENT_SECONDS },
      ),
      expires_in: AGENT_SECONDS,
      nats,
      config_version: agent.config_version,
    };
  }

  async function admit(
    db: Executor,
    agentId: string,
    request: RegistrationRequest,
  ): Promise<RegistrationAnswer> {
    const where = { agentId, slot: request.slot ?? 0 };
    await slots.register(db, where, {
      publicKey: request.public_key,
      instanceId: request.instance_id,
    });
    const answer = await access(db, where, request.public_key);
    await agents.change(db, agentId, { conditions: [{ type: 'unenrolled', present: false }] });
    return answer;
  }

  async function registerLaunched(
    db: Executor,
    request: RegistrationRequest,
  ): Promise<RegistrationAnswer> {
    const taken = await store.takeToken(
      db,
      secretHash(request.discovery_token),
      new Date(clock.now()),
    );
    if (taken === undefined || taken.slot !== (request.slot ?? 0)) {
      throw invalidToken(
        'The registration token is not known, was used, or has expired; a new launch gets a new one',
      );
    }
    const agent = await agents.lock(db, taken.agent_id);
    if (agent.status === 'removed') throw invalidToken('The agent was removed');
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
    return admit(db, agent.id, request);
  }

  /** An agent on another machine: nobody launched it and no package speaks for it. */
  async function registerEnrolled(
    db: Executor,
    request: RegistrationRequest,
  ): Promise<{ answer: RegistrationAnswer; topics: string[] }> {
    const enrollment = await enrollments.takeEnrollment(
      db,
      request.discovery_token,
      request.agent_type,
    );
    if (enrollment === undefined) {
      throw invalidToken(
        'The enrollment token is not known, was used up or revoked, has expired, or is for another type of agent',
      );
    }
    await store.lockName(db, request.agent_name);
    const agentId = await enrolledAgent(db, request, enrollment);
    const { config } = await configs.refreshHash(db, agentId);
    const topics: unknown = config['subscribed_topics'];
    return {
      answer: await admit(db, agentId, request),
      topics: Array.isArray(topics) ? topics.map(String) : [],
    };
  }

  /**
   * After the commit, so that no row is locked while the broker is asked, and before the agent hears of its
   * topics: nothing published from then on is missed. A broker that fails just then does not undo what stands:
   * the next projection of the fleet makes what is missing.
   */
  async function makeConsumers(agentName: string, topics: readonly string[]): Promise<void> {
    try {
      await broker.ensureConsumers(agentName, topics);
    } catch (error) {
      const told = { agent: agentName, err: messageOf(error) };
      logger.warn(
        told,
        'an enrolled agent has no consumers yet; they are made once the broker answers',
      );
    }
  }

  async function enroll(
    request: RegistrationRequest,
    { commit, audit }: RegisterCall,
  ): Promise<RegistrationAnswer> {
    refuseIncomplete(request);
    if (!broker.isUp()) {
      throw new OpmasError(
        'OPMAS_UNAVAILABLE',
        'The message broker is away; the token stays good, enroll again soon',
        { retryAfter: ASK_AGAIN_S },
      );
    }
    const { answer, topics } = await commit(async (tx) => {
      const enrolled = await registerEnrolled(tx, request);
      audit({ object: enrolled.answer.agent_id });
      return enrolled;
    });
    await makeConsumers(request.agent_name, topics);
    return answer;
  }

  async function enrolledAgent(
    db: Executor,
    request: RegistrationRequest,
    enrollment: Enrollment,
  ): Promise<string> {
    const { agent_name: name, agent_type: type, agent_version: version } = request;
    const existing = await livingAgentByName(db, name);
    if (existing !== undefined) refuseTaken(existing, request, enrollment);
    const id = existing?.id ?? `${type}-${ids.uuid()}`;
    const description = request.description ?? '';
    const tags = tagsOf(enrollment, request);
    const known = existing !== undefined;
    await refuseUnvouched(db, { id, name, type, tags }, { enrollment, known });
    const at = new Date(clock.now());
    const reason = 'Enrolled from another machine; waiting for its first heartbeat';
    if (existing === undefined) {
      const status = 'registered';
      await insertAgent(db, { id, name, type, version, description, tags, status, reason, at });
    }
    const before = await agents.change(db, id, {
      desired: 'running',
      set: {
        version,
        description,
        tags,
        default_config: JSON.stringify({
          ...(request.subscribed_topics && { subscribed_topics: request.subscribed_topics }),
          ...(request.findings_topic && { findings_topic: request.findings_topic }),
        }),
      },
    });
    if (before.status === 'removed') {
      throw new OpmasError('OPMAS_CONFLICT', `${name} was removed meanwhile; enroll it again`);
    }
    return id;
  }

  /** Who asks is who has the key: proven by its signature, once. */
  async function prove(db: Executor, agentId: string, request: CredentialsRequest): Promise<void> {
    const agent = await agents.lock(db, agentId);
    const now = clock.now();
    const slot = request.slot ?? 0;
    const key =
      agent.status === 'removed' || slot >= agent.replicas
        ? undefined
        : await slots.keyOf(db, agentId, slot);
    if (key === undefined) throw unauthenticated('The agent is not enrolled');
    const signedAt = Date.parse(request.timestamp);
    if (!Number.isFinite(signedAt) || Math.abs(signedAt - now) > SKEW_MS) {
      throw unauthenticated('The timestamp is too far from now; check the clock');
    }
    const text = credentialsChallenge({ agent_id: agentId, ...request });
    if (!credentials.verify(key, text, request.signature)) {
      throw unauthenticated('The signature does not match the registered key');
    }
    const fresh = await store.rememberNonce(db, {
      agent_id: agentId,
      nonce: request.nonce,
      expires_at: new Date(now + 2 * SKEW_MS),
    });
    if (!fresh) throw unauthenticated('The nonce was used before');
  }

  return {
    /**
     * What a launch needs: nothing when the agent's slot has a key that its folder has too, else a one-time
     * token, of which only the hash is kept.
     */
    async launching(db: Executor, request: LaunchRequest): Promise<string | null> {
      const where = { agentId: request.agent_id, slot: request.slot ?? 0 };
      const known = await slots.launching(db, where, request.instance_id);
      if (known && request.enrolled) return null;
      const token = ids.secret();
      await store.insertToken(db, {
        token_hash: secretHash(token),
        agent_id: where.agentId,
        slot: where.slot,
        expires_at: new Date(clock.now() + TOKEN_MS),
      });
      return token;
    },

    /**
     * @param call its `commit` is the transaction with the audit row
     * @throws {OpmasError} OPMAS_TOKEN_INVALID (unknown, used, expired), OPMAS_RATE_LIMITED after too many of
     * those, OPMAS_AGENT_NAME_TAKEN, OPMAS_CONFLICT (type or version differ), OPMAS_KEY_REVOKED,
     * OPMAS_FORBIDDEN (into a group with secrets), OPMAS_UNAVAILABLE (enrolling, while the broker is away)
     */
    async register(request: RegistrationRequest, call: RegisterCall): Promise<RegistrationAnswer> {
      const { remote: address } = call;
      throttle.check(address);
      try {
        const answer = isEnrollmentToken(request.discovery_token)
          ? await enroll(request, call)
          : await call.commit(async (tx) => {
              const launched = await registerLaunched(tx, request);
              call.audit({ object: launched.agent_id });
              return launched;
            });
        onAgent(answer.agent_id);
        return answer;
      } catch (error) {
        if (error instanceof OpmasError && error.code === 'OPMAS_TOKEN_INVALID') {
          throttle.failed(address);
        }
        throw error;
      }
    },

    /**
     * Renewal: proof is a signature by the key the slot has.
     * @param commit the transaction with the audit row, for the credentials alone: that a second instance was
     * shut out stands, although it gets an error
     * @throws {OpmasError} OPMAS_UNAUTHENTICATED, OPMAS_AGENT_NOT_FOUND, OPMAS_DUPLICATE_IDENTITY,
     * OPMAS_UNAVAILABLE while it is not known whose the instance is
     */
    async renew(
      agentId: string,
      request: CredentialsRequest,
      commit: Commit,
    ): Promise<RegistrationAnswer> {
      const where = { agentId, slot: request.slot ?? 0 };
      const said = await database.transaction(async (tx) => {
        await prove(tx, agentId, request);
        return slots.asks(tx, where, request.instance_id);
      });
      if (said === 'duplicate') {
        throw new OpmasError(
          'OPMAS_DUPLICATE_IDENTITY',
          'A newer instance holds this identity; give each agent a folder and a key of its own',
        );
      }
      if (said === 'unknown') {
        throw new OpmasError(
          'OPMAS_UNAVAILABLE',
          'The host of this agent has not said yet that it started this instance; ask again',
          { retryAfter: ASK_AGAIN_S },
        );
      }
      return commit(async (tx) => {
        const key = await slots.keyOf(tx, agentId, where.slot);
        if (key === undefined) throw unauthenticated('The agent is not enrolled');
        return access(tx, where, key);
      });
    },
  };
}

function invalidToken(message: string): OpmasError {
  return new OpmasError('OPMAS_TOKEN_INVALID', message);
}

/** What a package would say, in its grammar. */
function refuseIncomplete(request: RegistrationRequest): void {
  const errors = [];
  if (request.public_key === undefined) {
    errors.push({ path: 'public_key', message: 'an enrollment token needs the agent’s own key' });
  }
  for (const [index, topic] of (request.subscribed_topics ?? []).entries()) {
    if (isLogTopic(topic)) continue;
    errors.push({ path: `subscribed_topics[${index}]`, message: 'must be logs.<domain>' });
  }
  if (request.findings_topic !== undefined && !isFindingsTopic(request.findings_topic)) {
    errors.push({ path: 'findings_topic', message: 'must be findings.<domain>' });
  }
  if ((request.slot ?? 0) !== 0) {
    errors.push({ path: 'slot', message: 'an agent on another machine has one replica' });
  }
  const [first] = errors;
  if (first === undefined) return;
  throw new OpmasError('OPMAS_INVALID_REQUEST', `${first.path}: ${first.message}`, { errors });
}

function refuseTaken(
  existing: { name: string; type: string; package_path: string | null },
  request: RegistrationRequest,
  { replace }: Enrollment,
): void {
  if (existing.package_path !== null) {
    throw new OpmasError(
      'OPMAS_AGENT_NAME_TAKEN',
      `${existing.name} is run by OPMAS from a package; choose another name, or remove it first`,
    );
  }
  if (!replace) {
    throw new OpmasError(
      'OPMAS_AGENT_NAME_TAKEN',
      `There is an agent ${existing.name}; choose another name, or enroll with a token made with replace`,
    );
  }
  if (existing.type !== request.agent_type) {
    throw new OpmasError(
      'OPMAS_CONFLICT',
      `${existing.name} is of type ${existing.type}, not ${request.agent_type}`,
    );
  }
}
