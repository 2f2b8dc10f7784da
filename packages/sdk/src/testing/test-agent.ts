/** Runs an agent in the test's own process: no server, no broker, a clock that moves by hand. */
import { randomUUID } from 'node:crypto';
import {
  type AgentLogLine,
  type ConfigLayer,
  type ControlMessage,
  type ControlReply,
  type DeadLetter,
  type Finding,
  type LogEvent,
  mergeLayers,
  type Rule,
} from '@opmas/protocol';
import type { BaseAgent } from '../base-agent.ts';
import { AgentError } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import { type AgentClass, readPackage } from '../runner/package.ts';
import { constructWith } from '../runtime/ambient.ts';
import { MemoryWindowLog } from '../state/memory-window-log.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { TestRuntime } from './test-runtime.ts';

export interface TestOptions {
  /** Folder of the package: its manifest, topics and `rules.json` are used. A `file:` URL will do. */
  package?: string | URL;
  /** The configuration the server would send. */
  config?: ConfigLayer;
  /** Rules the server would send. */
  rules?: readonly Rule[];
  clock?: FakeClock;
  /** What an agent before kept of its windows: its `windowLog`, to play a restart. */
  windowLog?: MemoryWindowLog;
}

type TestedAgent = AgentClass & {
  readonly definition?: { type: string; topics: readonly string[] };
};

/** A control message; an unknown command may be tried too. */
export type TestCommand = Omit<Partial<ControlMessage>, 'command'> & { command: string };

/** How one delivery ended. */
export type EmitResult = 'acked' | 'retried';

export interface TestHarness {
  /** As the broker keeps them: one of each id. */
  readonly findings: readonly Finding[];
  /** Everything published, repetitions too. */
  readonly published: readonly Finding[];
  readonly logs: readonly AgentLogLine[];
  readonly deadLetters: readonly DeadLetter[];
  /** Heartbeats, status and metrics messages, in their order. */
  readonly told: readonly { kind: string; message: object }[];
  readonly clock: FakeClock;
  readonly metrics: Metrics;
  /** What would outlive the process. */
  readonly windowLog: MemoryWindowLog;
  /** The agent; started by the first `emit`, `control` or `start`. */
  readonly agent: BaseAgent;
  start(): Promise<void>;
  /**
   * Delivers one event and waits for its outcome. Missing fields are filled: `event_id`, `timestamp`
   * (the clock's), `type` (the topic's domain), `message` (empty).
   * @throws {AgentError} when the package does not read `topic`; an event that fails does not throw, see
   * the result and `logs`
   */
  emit(topic: string, event: Partial<LogEvent> & Record<string, unknown>): Promise<EmitResult>;
  /** Delivers raw bytes: an array, NDJSON, or rubbish. */
  emitRaw(topic: string, data: string | Uint8Array): Promise<EmitResult>;
  /** Delivers the last message again, as the broker does after a lost acknowledgement. */
  redeliver(): Promise<EmitResult>;
  /** Sends a control message as the server does and answers the agent's reply. */
  control(message: TestCommand): Promise<ControlReply>;
  stop(): Promise<void>;
}

/**
 * Prepares `agent` for a test.
 * @param agent what `agent.ts` exports: of `defineAgent`, or a class extending BaseAgent
 * @example
 * const h = testAgent(agent, { package: new URL('..', import.meta.url) });
 * await h.emit('logs.auth', { message: "Bad password attempt for 'root'", program: 'dropbear' });
 * h.findings[0]?.severity; // 'warning'
 */
export function testAgent(agent: TestedAgent, options: TestOptions = {}): TestHarness {
  return new Harness(agent, options, options.clock ?? fakeClock());
}

class Harness implements TestHarness {
  readonly clock: FakeClock;
  readonly #agent: BaseAgent;
  readonly #runtime: TestRuntime;
  #starting: Promise<void> | undefined;
  #last: { topic: string; data: Uint8Array; key: string; deliveries: number } | undefined;
  #sequence = 0;
  readonly #anyTopic: boolean;

  constructor(Agent: TestedAgent, options: TestOptions, clock: FakeClock) {
    this.clock = clock;
    const read = options.package === undefined ? undefined : readPackage(options.package);
    const manifest = read?.manifest;
    const topics = Agent.definition?.topics ?? [];
    this.#runtime = new TestRuntime({
      agentName: manifest?.name ?? 'TestAgent',
      agentType: manifest?.type ?? Agent.definition?.type ?? 'test',
      clock,
      windowLog: options.windowLog ?? new MemoryWindowLog(),
      packageDefaults: read?.defaults ?? (topics.length > 0 ? { subscribed_topics: topics } : {}),
      config: mergeLayers(
        options.config ?? {},
        options.rules === undefined ? {} : { rules: options.rules },
      ),
    });
    this.#anyTopic = read === undefined && topics.length === 0;
    this.#agent = constructWith(
      this.#runtime,
      () => new Agent(this.#runtime.agentId, 'http://127.0.0.1'),
    );
  }

  get agent(): BaseAgent {
    return this.#agent;
  }

  get metrics(): Metrics {
    return this.#agent.metrics;
  }

  get windowLog(): MemoryWindowLog {
    return this.#runtime.windowLog;
  }

  get findings(): readonly Finding[] {
    return this.#runtime.findings;
  }

  get published(): readonly Finding[] {
    return this.#runtime.published;
  }

  get logs(): readonly AgentLogLine[] {
    return this.#runtime.logs;
  }

  get deadLetters(): readonly DeadLetter[] {
    return this.#runtime.deadLetters;
  }

  get told(): readonly { kind: string; message: object }[] {
    return this.#runtime.told;
  }

  async start(): Promise<void> {
    this.#starting ??= this.#start();
    await this.#starting;
  }

  async emit(
    topic: string,
    event: Partial<LogEvent> & Record<string, unknown>,
  ): Promise<EmitResult> {
    const whole = {
      event_id: randomUUID(),
      timestamp: new Date(this.clock.now()).toISOString(),
      type: topic.split('.')[1] ?? 'system',
      message: '',
      ...event,
    };
    return this.emitRaw(topic, JSON.stringify(whole));
  }

  async emitRaw(topic: string, data: string | Uint8Array): Promise<EmitResult> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    this.#sequence += 1;
    this.#last = { topic, data: bytes, key: String(this.#sequence), deliveries: 0 };
    return this.redeliver();
  }

  async redeliver(): Promise<EmitResult> {
    await this.start();
    const last = this.#last;
    if (last === undefined) {
      throw new AgentError('OPMAS_INVALID_REQUEST', 'emit something before redeliver()');
    }
    // Nobody said which topics there are: any.
    if (this.#anyTopic) await this.#agent.subscribeToTopics([last.topic]);
    const work = this.#runtime.readers.get(last.topic);
    if (work === undefined) throw this.#notRead(last.topic);
    last.deliveries += 1;
    return new Promise((resolve, reject) => {
      work({
        ...last,
        ack: () => resolve('acked'),
        nak: () => resolve('retried'),
        working: () => {},
      }).catch(reject);
    });
  }

  async control(message: TestCommand): Promise<ControlReply> {
    await this.start();
    const whole = { timestamp: new Date(this.clock.now()).toISOString(), ...message };
    const handlers = this.#runtime.handlers;
    if (handlers === undefined) throw new Error('the agent did not open its runtime');
    return handlers.control(Buffer.from(JSON.stringify(whole)));
  }

  async stop(): Promise<void> {
    await this.#agent.stop();
  }

  async #start(): Promise<void> {
    await this.#agent.start();
    if (this.#agent.topics.length === 0) {
      await this.#agent.subscribeToTopics(this.#agent.config.value.subscribed_topics);
    }
  }

  #notRead(topic: string): AgentError {
    const topics = [...this.#runtime.readers.keys()];
    const read = topics.length === 0 ? 'reads none' : `reads ${topics.join(', ')}`;
    return new AgentError(
      'OPMAS_INVALID_REQUEST',
      `the agent does not read ${topic}: it ${read}. Give testAgent the package, or config.subscribed_topics`,
    );
  }
}
