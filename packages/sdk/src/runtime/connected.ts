/** The runtime of a real agent: management API over HTTP, everything else over the broker. */
import { randomUUID } from 'node:crypto';
import {
  type Bus,
  BusError,
  type BusStatus,
  connectBus,
  consumeDurable,
  publishDurable,
} from '@opmas/bus';
import {
  type AgentLogLine,
  type ConfigLayer,
  consumerName,
  type DeadLetter,
  type Finding,
  inboxPrefix,
  streams,
  subjects,
} from '@opmas/protocol';
import { type Clock, pause, systemClock } from '../clock.ts';
import { AgentError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Delivery } from '../work/delivery.ts';
import { Enrolment } from './enrolment.ts';
import { LogPipe } from './log-pipe.ts';
import { ManagementApi, Refusal } from './management.ts';
import type { AgentRuntime, FetchedConfig, RuntimeHandlers, Told } from './runtime.ts';
import { StateFolder, type StoredCredentials } from './state-folder.ts';

export interface RuntimeOptions {
  agentId: string;
  managementUrl: string;
  agentName: string;
  agentType?: string;
  version?: string;
  /** One-time registration token. */
  token?: string;
  /** Folder of the agent's own files; the working directory by default. */
  stateDir?: string;
  instanceId?: string;
  packageDefaults?: ConfigLayer;
  clock?: Clock;
  stdout?: (text: string) => void;
}

/** @throws {AgentError} when the management URL is none */
export function createRuntime(options: RuntimeOptions): AgentRuntime {
  return new ConnectedRuntime(options);
}

class ConnectedRuntime implements AgentRuntime {
  readonly agentId: string;
  readonly agentName: string;
  readonly agentType: string;
  readonly version: string;
  readonly instanceId: string;
  readonly clock: Clock;
  readonly packageDefaults: ConfigLayer;
  readonly #api: ManagementApi;
  readonly #folder: StateFolder;
  readonly #enrolment: Enrolment;
  readonly #logs: LogPipe;
  readonly #closing = new AbortController();
  #credentials: StoredCredentials | undefined;
  #bus: Bus | undefined;
  #handlers: RuntimeHandlers | undefined;
  #renewing: Promise<void> | undefined;
  #cancelRenewal = () => {};

  constructor(options: RuntimeOptions) {
    this.agentId = options.agentId;
    this.agentName = options.agentName;
    this.agentType = options.agentType ?? 'agent';
    this.version = options.version ?? '0.0.0';
    this.instanceId = options.instanceId ?? randomUUID();
    this.clock = options.clock ?? systemClock;
    this.packageDefaults = options.packageDefaults ?? {};
    this.#api = new ManagementApi(options.managementUrl);
    this.#folder = new StateFolder(options.stateDir ?? process.cwd());
    this.#logs = new LogPipe(
      this.clock,
      options.stdout ?? ((text) => void process.stdout.write(text)),
    );
    this.#enrolment = new Enrolment({
      agentId: this.agentId,
      agentName: this.agentName,
      agentType: this.agentType,
      agentVersion: this.version,
      instanceId: this.instanceId,
      token: options.token,
      api: this.#api,
      folder: this.#folder,
      clock: this.clock,
      onWait: (error) => this.#own('warning', 'the management API does not answer yet', { error }),
    });
  }

  async open(handlers: RuntimeHandlers, signal: AbortSignal): Promise<void> {
    this.#handlers = handlers;
    this.#take(await this.#enrolment.obtain(signal));
    const bus = await this.#connect(signal);
    this.#bus = bus;
    bus.onStatus((status) => this.#linkChanged(status));
    bus.onViolation(({ operation, subject }) =>
      this.#own('error', `the broker refuses ${operation} on ${subject}`, {}),
    );
    for (const subject of [
      subjects.control(this.agentName),
      subjects.controlInstance(this.agentName, this.instanceId),
    ]) {
      bus.subscribe(subject, async (message) => {
        const answer = await handlers.control(message.data);
        if (message.reply !== undefined) message.respond(JSON.stringify(answer));
      });
    }
    this.#logs.connect((line) =>
      bus.publish(subjects.agentLogs(this.agentName), JSON.stringify(line)),
    );
    await bus.flush();
    handlers.link('up', 'connected');
    this.#planRenewal();
  }

  async cachedConfig(): Promise<FetchedConfig | undefined> {
    try {
      return await this.#folder.config.read();
    } catch (error) {
      this.#own('warning', 'the cached configuration cannot be read', { error: messageOf(error) });
      return undefined;
    }
  }

  async fetchConfig(signal: AbortSignal): Promise<FetchedConfig> {
    const both = AbortSignal.any([signal, this.#closing.signal]);
    const ask = () => this.#api.config(this.agentId, this.#held().access_token, both);
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 401) throw error;
      // The access token has ended before the credentials were renewed.
      await this.#renewNow();
      return ask();
    }
  }

  renewAccess(): Promise<void> {
    return this.#renewNow();
  }

  async keepConfig(config: FetchedConfig): Promise<void> {
    const { version, hash } = config;
    await this.#folder.config.write({ version, hash, config: config.config });
  }

  async consume(
    topic: string,
    options: { maxMessages: number },
    work: (delivery: Delivery) => Promise<void>,
  ): Promise<() => Promise<void>> {
    const consumption = consumeDurable(this.#live(), {
      stream: streams.events.name,
      consumer: consumerName(this.agentName, topic),
      maxMessages: options.maxMessages,
      concurrency: 1,
      onMessage: (message) =>
        work({
          topic: message.subject,
          data: message.data,
          key: String(message.seq),
          deliveries: message.deliveries,
          ack: () => void message.ack(),
          nak: (delayMs) => void message.nak(delayMs),
          working: () => void message.working(),
        }),
      onError: (error) =>
        this.#own('error', `reading ${topic} failed`, { error: messageOf(error) }),
      onRecovered: () => this.#own('info', `reading ${topic} again`, {}),
    });
    return () => consumption.stop();
  }

  async publishFinding(topic: string, finding: Finding): Promise<void> {
    await publishDurable(this.#live(), topic, JSON.stringify(finding), {
      msgId: finding.finding_id,
      timeoutMs: limits.publishTimeoutMs,
      retryForMs: limits.publishRetryMs,
      signal: this.#closing.signal,
    });
  }

  async publishDeadLetter(id: string, letter: DeadLetter): Promise<void> {
    const subject = subjects.deadLetter(this.agentName);
    await publishDurable(this.#live(), subject, JSON.stringify(letter), {
      msgId: `${this.agentName}.${id}`,
      timeoutMs: limits.publishTimeoutMs,
      retryForMs: limits.publishRetryMs,
      signal: this.#closing.signal,
    });
  }

  tell(kind: Told, message: object): void {
    this.#bus?.publish(subjects[kind](this.agentName), JSON.stringify(message));
  }

  log(line: AgentLogLine): void {
    this.#logs.write(line);
  }

  async close(): Promise<void> {
    this.#cancelRenewal();
    this.#closing.abort();
    await this.#renewing;
    await this.#bus?.drain();
  }

  /** Refused credentials are renewed once; a broker that is away is waited for. */
  async #connect(signal: AbortSignal): Promise<Bus> {
    const options = {
      url: this.#held().nats.url,
      name: this.agentName,
      inboxPrefix: inboxPrefix(this.agentName),
      credentials: () => this.#enrolment.credentialsOf(this.#held()),
      logger: {
        debug: () => {},
        info: (fields: object, text: string) => this.#own('info', text, fields),
        warn: (fields: object, text: string) => this.#own('warning', text, fields),
        error: (fields: object, text: string) => this.#own('error', text, fields),
      },
      signal,
    };
    try {
      return await connectBus(options);
    } catch (error) {
      if (!(error instanceof BusError) || error.code !== 'OPMAS_UNAUTHENTICATED') throw error;
      this.#own('warning', 'the broker refuses the credentials: asking for new ones', {});
      this.#take(await this.#enrolment.renew(signal));
      return connectBus({ ...options, url: this.#held().nats.url });
    }
  }

  #linkChanged(status: BusStatus): void {
    if (status.state === 'closed' || this.#closing.signal.aborted) return;
    this.#handlers?.link(status.state, status.reason);
    if (status.state === 'up') this.#logs.flush();
    if (!status.unauthorized) return;
    this.#renewNow().catch((error: unknown) => this.#refused(error));
  }

  /** At half of the credentials' life, spread over a tenth so that a fleet does not come at once. */
  #planRenewal(): void {
    this.#cancelRenewal();
    const left = Date.parse(this.#held().expires_at) - this.clock.now();
    const delay = Math.min(Math.max(left / 2, 1_000), 2 ** 31 - 1) * (0.95 + Math.random() / 10);
    this.#cancelRenewal = this.clock.after(delay, () => {
      this.#renewNow().catch((error: unknown) => this.#refused(error));
    });
  }

  /** New credentials, then the new connection, then the end of the old one. Never twice at once. */
  #renewNow(): Promise<void> {
    this.#renewing ??= this.#renewAndSwap().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renewAndSwap(): Promise<void> {
    const { signal } = this.#closing;
    this.#take(await this.#enrolment.renew(signal));
    for (let wait: number = limits.retryFirstMs; !signal.aborted; wait *= 2) {
      try {
        await this.#bus?.swap(this.#enrolment.credentialsOf(this.#held()));
        break;
      } catch (error) {
        // The old connection stays as long as its credentials last; a reconnect uses the new ones.
        this.#own('warning', 'changing over to new credentials failed', {
          error: messageOf(error),
        });
        await pause(this.clock, Math.min(wait, limits.retryCapMs), signal);
      }
    }
    this.#planRenewal();
  }

  #refused(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#handlers?.refused(error);
  }

  #take(stored: StoredCredentials): void {
    this.#credentials = stored;
  }

  #held(): StoredCredentials {
    if (this.#credentials === undefined) throw new Error('the runtime is not open');
    return this.#credentials;
  }

  #live(): Bus {
    if (this.#bus !== undefined) return this.#bus;
    throw new AgentError(
      'OPMAS_BROKER_UNAVAILABLE',
      'the agent is not connected: call start() first, and await it',
    );
  }

  #own(
    level: AgentLogLine['level'],
    message: string,
    context: Record<string, unknown> | object,
  ): void {
    this.log({
      agent_id: this.agentId,
      level,
      message,
      timestamp: new Date(this.clock.now()).toISOString(),
      instance_id: this.instanceId,
      context: { ...context },
    });
  }
}
