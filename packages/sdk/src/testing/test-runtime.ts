/** The runtime of `testAgent`: keeps in lists what a real one would publish. */
import type { Left } from '@opmas/bus';
import type { AgentLogLine, ConfigLayer, DeadLetter, Finding } from '@opmas/protocol';
import { configHash } from '../config.ts';
import type {
  AgentRuntime,
  FetchedConfig,
  KeptConfigs,
  RuntimeHandlers,
  Told,
} from '../runtime/runtime.ts';
import { MemoryWindowLog } from '../state/memory-window-log.ts';
import type { Delivery } from '../work/delivery.ts';
import type { FakeClock } from './fake-clock.ts';

export class TestRuntime implements AgentRuntime {
  readonly agentId: string;
  readonly agentName: string;
  readonly agentType: string;
  readonly version = '0.0.0';
  readonly instanceId = 'test-instance';
  readonly clock: FakeClock;
  readonly packageDefaults: ConfigLayer;
  /** Everything published, repetitions too. */
  readonly published: Finding[] = [];
  /** As the stream keeps them: one of each id. */
  readonly findings: Finding[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly logs: AgentLogLine[] = [];
  readonly told: { kind: Told; message: object }[] = [];
  readonly readers = new Map<string, (delivery: Delivery) => Promise<void>>();
  handlers: RuntimeHandlers | undefined;
  readonly windowLog: MemoryWindowLog;
  #served: ConfigLayer;
  #deadIds = new Set<string>();

  constructor(options: {
    agentName: string;
    agentType: string;
    clock: FakeClock;
    packageDefaults: ConfigLayer;
    config: ConfigLayer;
    windowLog?: MemoryWindowLog;
  }) {
    this.agentId = `${options.agentType}-test`;
    this.agentName = options.agentName;
    this.agentType = options.agentType;
    this.clock = options.clock;
    this.packageDefaults = options.packageDefaults;
    this.#served = options.config;
    this.windowLog = options.windowLog ?? new MemoryWindowLog();
  }

  async open(handlers: RuntimeHandlers): Promise<void> {
    this.handlers = handlers;
    handlers.link('up', 'test');
  }

  /** What the agent has kept for its next start; a test may put something here before the start. */
  kept: KeptConfigs | undefined;

  async cachedConfigs(): Promise<KeptConfigs | undefined> {
    return this.kept;
  }

  async fetchConfig(): Promise<FetchedConfig> {
    return { version: 1, hash: configHash(this.#served), config: this.#served };
  }

  async renewAccess(): Promise<void> {}

  async keepConfigs(kept: KeptConfigs): Promise<void> {
    this.kept = structuredClone(kept);
  }

  async consume(
    topic: string,
    _options: { maxMessages: number },
    work: (delivery: Delivery) => Promise<void>,
  ): Promise<() => Promise<void>> {
    this.readers.set(topic, work);
    return async () => {
      this.readers.delete(topic);
    };
  }

  async left(): Promise<Left> {
    return 'nothing';
  }

  async publishFinding(_topic: string, finding: Finding): Promise<void> {
    this.published.push(finding);
    if (this.findings.every((f) => f.finding_id !== finding.finding_id)) {
      this.findings.push(finding);
    }
  }

  async publishDeadLetter(id: string, letter: DeadLetter): Promise<void> {
    if (this.#deadIds.has(id)) return;
    this.#deadIds.add(id);
    this.deadLetters.push(letter);
  }

  tell(kind: Told, message: object): void {
    this.told.push({ kind, message });
  }

  log(line: AgentLogLine): void {
    this.logs.push(line);
  }

  async close(): Promise<void> {}
}
