/** The runtime of a real agent: management API over HTTP, everything else over the broker. */
import { randomUUID } from 'node:crypto';
import {
  type Bus,
  BusError,
  type BusMessage,
  type BusStatus,
  connectBus,
  consumeDurable,
  type DurableConsumption,
  type Left,
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
import { LockedWindowFile } from '../state/locked-window-file.ts';
import type { WindowLog } from '../state/window-log.ts';
import type { Delivery } from '../work/delivery.ts';
import { Enrolment, type EnrolmentDetails } from './enrolment.ts';
import { readKept, writeKept } from './kept-configs.ts';
import { LogPipe } from './log-pipe.ts';
import { ManagementApi, Refusal } from './management.ts';
import type { AgentRuntime, FetchedConfig, KeptConfigs, RuntimeHandlers, Told } from './runtime.ts';
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
  /** Milliseconds from the signal to end until the process is killed. */
  stopGraceMs?: number;
  clock?: Clock;
  stdout?: (text: string) => void;
}

/** @throws {AgentError} when the management URL is none */
export function createRuntime(options: RuntimeOptions): AgentRuntime {
  return new ConnectedRuntime(options);
}

/**
 * The id of an agent that was given none: what its folder keeps of an earlier start, or what the server
 * answers to its enrollment token. Waits for ever for a server that is away.
 * @throws {AgentError} when the server refuses, or there is neither a key nor a token
 */
export async function enrolledId(
  options: Omit<RuntimeOptions, 'agentId'> & {
    about: EnrolmentDetails;
    complain: (text: string) => void;
  },
): Promise<string> {
  const enrolment = new Enrolment({
    agentId: undefined,
    agentName: options.agentName,
    agentType: options.agentType ?? 'agent',
    agentVersion: options.version ?? '0.0.0',
    instanceId: options.instanceId ?? randomUUID(),
    token: options.token,
    about: options.about,
    api: new ManagementApi(options.managementUrl),
    folder: new StateFolder(options.stateDir ?? process.cwd()),
    clock: options.clock ?? systemClock,
    onWait: (error) =>
      options.complain(`the management API does not answer yet: ${messageOf(error)}`),
  });
  return (await enrolment.obtain(new AbortController().signal)).agent_id;
}

/**
 * Did the broker's store send this, at whose request ever? JetStream answers where the asker says, without asking
 * who may publish there: such a message keeps the subject it was stored with, or names the stream it is from.
 */
function isRelayed(message: BusMessage, subject: string): boolean {
  return message.subject !== subject || message.header('Nats-Stream') !== undefined;
}

class ConnectedRuntime implements AgentRuntime {
  readonly agentId: string;
  readonly agentName: string;
  readonly agentType: string;
  readonly version: string;
  readonly instanceId: string;
  readonly clock: Clock;
  readonly stopGraceMs: number;
  readonly packageDefaults: ConfigLayer;
  readonly windowLog: WindowLog;
  readonly #api: ManagementApi;
  readonly #folder: StateFolder;
  readonly #enrolment: Enrolment;
  readonly #logs: LogPipe;
  readonly #closing = new AbortController();
  /** By topic. */
  readonly #reading = new Map<string, DurableConsumption>();
  #credentials: StoredCredentials | undefined;
  #bus: Bus | undefined;
  #handlers: RuntimeHandlers | undefined;
  #renewing: Promise<void> | undefined;
  #renewingNext: Promise<void> | undefined;
  #cancelRenewal = () => {};

  constructor(options: RuntimeOptions) {
    this.agentId = options.agentId;
    this.agentName = options.agentName;
    this.agentType = options.agentType ?? 'agent';
    this.version = options.version ?? '0.0.0';
    this.instanceId = options.instanceId ?? randomUUID();
    this.clock = options.clock ?? systemClock;
    this.stopGraceMs = options.stopGraceMs ?? limits.stopGraceMs;
    this.packageDefaults = options.packageDefaults ?? {};
    this.#api = new ManagementApi(options.managementUrl);
    this.#folder = new StateFolder(options.stateDir ?? process.cwd());
    this.windowLog = new LockedWindowFile(options.stateDir ?? process.cwd());
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
    let swaps = 0;
    bus.onSwap(() => {
      swaps += 1;
    });
    for (const subject of [
      subjects.control(this.agentName),
      subjects.controlInstance(this.agentName, this.instanceId),
    ]) {
      bus.subscribe(subject, async (message) => {
        if (isRelayed(message, subject)) {
          this.#own('error', `a stored message came as a command on ${subject}, ignored`, {});
          return;
        }
        const before = swaps;
        const answer = await handlers.control(message.data);
        // The right to answer is the connection's on which the command came. What an exchange of credentials
        // outlived, the agent's status tells.
        if (message.reply !== undefined && swaps === before)
          message.respond(JSON.stringify(answer));
      });
    }
    this.#logs.connect((line) =>
      bus.publish(subjects.agentLogs(this.agentName), JSON.stringify(line)),
    );
    await bus.flush();
    handlers.link('up', 'connected');
    this.#planRenewal();
  }

  async cachedConfigs(): Promise<KeptConfigs | undefined> {
    try {
      return await readKept(this.#folder);
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

  /** A renewal under way may have been asked for before the rights changed: this is one after it. */
  renewAccess(): Promise<void> {
    this.#renewingNext ??= Promise.allSettled([this.#renewing]).then(() => {
      this.#renewingNext = undefined;
      return this.#renewNow();
    });
    return this.#renewingNext;
  }

  async keepConfigs(kept: KeptConfigs): Promise<void> {
    await writeKept(this.#folder, kept);
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
      resendMs: limits.resendMs,
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
    this.#reading.set(topic, consumption);
    return async () => {
      this.#reading.delete(topic);
      await consumption.stop();
    };
  }

  async left(topic: string): Promise<Left> {
    return (await this.#reading.get(topic)?.left()) ?? 'unknown';
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
