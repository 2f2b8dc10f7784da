/** How an agent comes by its credentials: cached, by signature with its own key, or by one-time token. */
import { randomBytes } from 'node:crypto';
import { type Credentials, createNkey, publicKeyOf, signWithSeed } from '@opmas/bus';
import {
  credentialsChallenge,
  type RegistrationAnswer,
  type RegistrationRequest,
} from '@opmas/protocol';
import { type Clock, isoTime, pause } from '../clock.ts';
import { AgentError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { Busy, type ManagementApi, Refusal } from './management.ts';
import type { StateFolder, StoredCredentials } from './state-folder.ts';

export interface EnrolmentOptions {
  /** Undefined: an agent on another machine; its folder knows, or the server tells when it enrols. */
  agentId: string | undefined;
  agentName: string;
  agentType: string;
  agentVersion: string;
  instanceId: string;
  /** One-time registration token of this launch, or an enrollment token. */
  token: string | undefined;
  /** What otherwise the server knows from the package: told with an enrollment token. */
  about?: EnrolmentDetails;
  api: ManagementApi;
  folder: StateFolder;
  clock: Clock;
  onWait: (error: unknown) => void;
  random?: () => number;
}

/** What an agent on another machine says of itself. */
export type EnrolmentDetails = Pick<
  RegistrationRequest,
  'description' | 'tags' | 'subscribed_topics' | 'findings_topic'
>;

/** Such a token may be in the environment of every start; a launch token is there in its own launch only. */
const ENROLLMENT_TOKEN = /^opmas_enroll_/;

export class Enrolment {
  readonly #options: EnrolmentOptions;
  #agentId: string | undefined;
  #token: string | undefined;
  #seed: string | undefined;

  constructor(options: EnrolmentOptions) {
    this.#options = options;
    this.#agentId = options.agentId;
    this.#token = options.token;
  }

  /**
   * Credentials to connect with. A launch token is used first (it means: enrol), then what is cached and
   * still valid, then the signature; an enrollment token comes last. Waits for ever for a server that is away.
   * @throws {Refusal} when the server refuses for good; the cached credentials are then forgotten, so
   * that the next launch enrols
   */
  async obtain(signal: AbortSignal): Promise<StoredCredentials> {
    const seed = await this.#loadSeed();
    if (seed === undefined && this.#token === undefined) throw this.#nothingToShow();
    const known = seed !== undefined && this.#agentId !== undefined;
    if (this.#token === undefined) return this.#known(signal);
    if (!known || !ENROLLMENT_TOKEN.test(this.#token)) return this.#enrol(signal);
    try {
      return await this.#known(signal);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 401) throw error;
      return this.#enrol(signal);
    }
  }

  /** What is cached and still valid, else what the signature gives. */
  async #known(signal: AbortSignal): Promise<StoredCredentials> {
    const { folder, clock } = this.#options;
    const cached = await folder.credentials.read();
    if (cached !== undefined && cached.agent_id === this.#agentId) {
      const left = Date.parse(cached.expires_at) - clock.now();
      if (left > limits.credentialMarginMs) return cached;
    }
    return this.renew(signal);
  }

  async #enrol(signal: AbortSignal): Promise<StoredCredentials> {
    try {
      return await this.#registerWith(await this.#newOrKeptSeed(), signal);
    } catch (error) {
      if (!(error instanceof Refusal) || ![401, 409].includes(error.status)) throw error;
      // A key that was revoked is never good again; the token still is.
      if (error.code === 'OPMAS_KEY_REVOKED') {
        return this.#registerWith(await this.#newSeed(), signal);
      }
      if (this.#agentId === undefined) throw error;
      // Our first answer may have been lost after the server took it: then it knows this key.
      return await this.renew(signal).catch(() => {
        throw error;
      });
    } finally {
      this.#token = undefined;
    }
  }

  async #registerWith(seed: string, signal: AbortSignal): Promise<StoredCredentials> {
    return this.#keep(await this.#patiently(signal, () => this.#register(seed, signal)));
  }

  /** Fresh credentials by signature. Waits for ever for a server that is away. @throws {Refusal} */
  async renew(signal: AbortSignal): Promise<StoredCredentials> {
    const seed = await this.#loadSeed();
    if (seed === undefined) throw this.#nothingToShow();
    try {
      const answer = await this.#patiently(signal, () => this.#requestBySignature(seed, signal));
      return await this.#keep(answer);
    } catch (error) {
      // Of two processes in one folder the other may be right: its credentials stay.
      if (error instanceof Refusal && error.code !== 'OPMAS_DUPLICATE_IDENTITY') {
        await this.#options.folder.credentials.remove();
      }
      throw error;
    }
  }

  #nothingToShow(): AgentError {
    return new AgentError(
      'OPMAS_UNAUTHENTICATED',
      'the agent has neither a key nor a registration token: launch it through OPMAS, or give it ONE_TIME_REGISTRATION_TOKEN',
    );
  }

  /** What to show the broker; undefined when it asks for nothing. */
  credentialsOf(stored: StoredCredentials): Credentials | undefined {
    const given = stored.nats.credentials;
    if (given === null) return undefined;
    const seed = given.seed ?? this.#seed;
    if (seed === undefined) {
      throw new AgentError('OPMAS_UNAUTHENTICATED', 'the key of the credentials is missing');
    }
    return { jwt: given.jwt, seed };
  }

  #register(seed: string, signal: AbortSignal): Promise<RegistrationAnswer> {
    const { agentName, agentVersion, agentType, instanceId, about = {}, api } = this.#options;
    const token = this.#token ?? '';
    return api.register(
      {
        agent_name: agentName,
        agent_version: agentVersion,
        agent_type: agentType,
        discovery_token: token,
        public_key: publicKeyOf(seed),
        instance_id: instanceId,
        ...(ENROLLMENT_TOKEN.test(token) ? about : {}),
      },
      signal,
    );
  }

  #requestBySignature(seed: string, signal: AbortSignal): Promise<RegistrationAnswer> {
    const { instanceId, clock, api } = this.#options;
    const agentId = this.#agentId ?? '';
    const challenge = {
      agent_id: agentId,
      instance_id: instanceId,
      timestamp: isoTime(clock),
      nonce: randomBytes(24).toString('base64url'),
    };
    const signature = signWithSeed(seed, Buffer.from(credentialsChallenge(challenge)));
    const { agent_id: _agentId, ...body } = challenge;
    return api.renew(
      agentId,
      { ...body, signature: Buffer.from(signature).toString('base64url') },
      signal,
    );
  }

  async #keep(answer: RegistrationAnswer): Promise<StoredCredentials> {
    const { folder, clock } = this.#options;
    const agentId = this.#agentId ?? answer.agent_id;
    if (answer.agent_id !== agentId) {
      throw new AgentError(
        'OPMAS_CONFLICT',
        `the server registered ${answer.agent_id}, but this process was launched as ${agentId}`,
      );
    }
    if (this.#agentId === undefined && this.#seed !== undefined) {
      await folder.identity.write({ agent_id: agentId, seed: this.#seed });
      this.#agentId = agentId;
    }
    const expiresAt = new Date(clock.now() + answer.expires_in * 1000).toISOString();
    const stored = { ...answer, expires_at: expiresAt };
    await folder.credentials.write(stored);
    return stored;
  }

  async #loadSeed(): Promise<string | undefined> {
    if (this.#seed !== undefined) return this.#seed;
    const identity = await this.#options.folder.identity.read();
    if (identity === undefined) return undefined;
    const ours = this.#agentId === undefined || identity.agent_id === this.#agentId;
    if (!ours) return undefined;
    this.#agentId ??= identity.agent_id;
    this.#seed = identity.seed;
    return this.#seed;
  }

  /** The key is on disk before the server hears of it, so that it is never lost. */
  async #newOrKeptSeed(): Promise<string> {
    return (await this.#loadSeed()) ?? this.#newSeed();
  }

  async #newSeed(): Promise<string> {
    const { seed } = createNkey('user');
    await this.#options.folder.identity.write({
      ...(this.#agentId === undefined ? {} : { agent_id: this.#agentId }),
      seed,
    });
    this.#seed = seed;
    return seed;
  }

  async #patiently<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    const { clock, onWait, random = Math.random } = this.#options;
    for (let wait: number = limits.retryFirstMs; ; wait = Math.min(wait * 2, limits.retryCapMs)) {
      try {
        return await call();
      } catch (error) {
        if (error instanceof Refusal || signal.aborted) throw error;
        onWait(messageOf(error));
        const asked = error instanceof Busy ? error.retryAfterMs : undefined;
        await pause(clock, asked ?? wait * (0.5 + random() / 2), signal);
      }
    }
  }
}
