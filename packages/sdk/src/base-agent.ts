/** The class every agent extends: the author writes `processEvent`, everything else is done here. */
import type {
  AgentConfig,
  AgentStatusReport,
  ConfigLayer,
  ControlMessage,
  ControlReply,
  Fault,
  Finding,
  LogEvent,
  MetricValue,
} from '@opmas/protocol';
import { isLogTopic, mergeLayers } from '@opmas/protocol';
import type { Match } from '@opmas/rules';
import { Announcer } from './agent/announcer.ts';
import { Beats } from './agent/beats.ts';
import { ConfigSource } from './agent/config-source.ts';
import { type ConfigOrigin, Configuration } from './agent/configuration.ts';
import { ControlDoor, obey } from './agent/control.ts';
import { Intake } from './agent/intake.ts';
import { registerOwnMetrics } from './agent/own-metrics.ts';
import { matchTogether, processOne } from './agent/processing.ts';
import { FindingPublisher } from './agent/publisher.ts';
import { heartbeatOf, measureProcess, metricsOf, type Sender, uptimeOf } from './agent/reports.ts';
import { knownVersion } from './agent/rule-version.ts';
import { type AgentHealth, StatusBook } from './agent/status.ts';
import { type Clock, isoTime, within } from './clock.ts';
import type { Config } from './config.ts';
import { AgentError, messageOf } from './errors.ts';
import { type FindingDraft, makeFinding } from './finding.ts';
import { limits } from './limits.ts';
import { createLogger, type Logger } from './logger.ts';
import { Metrics } from './metrics.ts';
import { handedOverRuntime } from './runtime/ambient.ts';
import { createRuntime } from './runtime/connected.ts';
import type { AgentRuntime } from './runtime/runtime.ts';
import { sanitizeData } from './sanitize.ts';
import { currentScope, type EventScope } from './work/scope.ts';
import { tooLong } from './work/worker.ts';

/** Why an agent ended. */
export type StopReason = 'stop' | 'restart' | 'refused';

/**
 * Extend it and override `processEvent`; without that, the configured rules are matched.
 * @example
 * export default class MyAgent extends BaseAgent {
 *   override async processEvent(event: LogEvent) {
 *     if (!event.message.includes('oops')) return;
 *     await this.publishFinding(this.createFinding({
 *       type: 'oops', severity: 'warning', description: 'Something slipped', details: { event },
 *     }));
 *   }
 * }
 */
export class BaseAgent {
  readonly agentId: string;
  readonly managementUrl: string;
  readonly agentName: string;
  readonly metrics: Metrics;
  logger: Logger;
  protected readonly clock: Clock;
  readonly #runtime: AgentRuntime;
  readonly #configuration: Configuration;
  readonly #status: StatusBook;
  readonly #intake: Intake;
  readonly #beats: Beats;
  readonly #control: ControlDoor;
  readonly #findings: FindingPublisher;
  readonly #announcer: Announcer;
  readonly #ending = new AbortController();
  readonly #sender: Sender;
  readonly #source: ConfigSource;
  readonly #ended: Promise<StopReason>;
  #end: (reason: StopReason) => void = () => {};
  #endsWith: StopReason = 'stop';
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /**
   * @param agentId `AGENT_ID` as handed over by the host
   * @param managementUrl base of the management API, without a path
   * @param initialToken one-time registration token; only on the first launch
   * @param runtime the connection; made from the other three when absent
   */
  constructor(
    agentId: string,
    managementUrl: string,
    initialToken?: string,
    runtime?: AgentRuntime,
  ) {
    this.#runtime =
      runtime ??
      handedOverRuntime() ??
      createRuntime({
        agentId,
        managementUrl,
        agentName: new.target.name,
        ...(initialToken === undefined ? {} : { token: initialToken }),
      });
    this.agentId = agentId;
    this.managementUrl = managementUrl;
    this.agentName = this.#runtime.agentName;
    this.clock = this.#runtime.clock;
    this.#sender = {
      agentId,
      instanceId: this.#runtime.instanceId,
      clock: this.clock,
      startedAt: this.clock.now(),
    };
    this.metrics = new Metrics((name) => currentScope()?.touch(name));
    registerOwnMetrics(this.metrics);
    this.logger = createLogger({
      agentId,
      instanceId: this.#runtime.instanceId,
      clock: this.clock,
      write: (line) => this.#runtime.log(line),
    });
    this.#configuration = new Configuration(
      mergeLayers(this.ownDefaults(), this.#runtime.packageDefaults),
    );
    this.#status = new StatusBook(this.clock);
    this.#findings = new FindingPublisher(
      this.#runtime,
      this.metrics,
      () => this.config.value.findings_topic,
    );
    this.#source = new ConfigSource({
      runtime: this.#runtime,
      logger: () => this.logger,
      running: () => this.config,
      update: (config, origin) => this.updateConfig(config, origin),
    });
    this.#announcer = new Announcer(
      this.clock,
      () => this.getStatus(),
      (report) => this.#runtime.tell('status', report),
    );
    this.#intake = new Intake(this.#runtime, this.metrics, {
      process: (scope) => this.#process(scope),
      processAll: () => this.#together(),
      settings: () => this.config.value.processing,
      failed: (error, event, deliveries) => this.#eventFailed(error, event, deliveries),
      invalid: (error, topic) =>
        this.logger.warning('part of a message cannot be read', { error, topic }),
    });
    this.#beats = new Beats({
      clock: this.clock,
      heartbeatSeconds: () => this.config.value.monitoring.heartbeat_interval,
      metricsSeconds: () => this.config.value.monitoring.metrics_interval,
      heartbeat: () => this.updateHeartbeat(),
      metrics: () => this.#sendMetrics(),
      onError: (error) => this.logger.error('a sign of life failed', { error: messageOf(error) }),
    });
    this.#control = new ControlDoor(
      (message) => this.handleControlMessage(message),
      (error) => this.#reply({ ok: false, error }),
    );
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** The configuration in force; the package's defaults before the start. */
  get config(): Config {
    return this.#configuration.config;
  }

  get instanceId(): string {
    return this.#runtime.instanceId;
  }

  /** Resolves when the agent has ended, by `stop()` or by command. */
  get ended(): Promise<StopReason> {
    return this.#ended;
  }

  /** Topics being read now. */
  get topics(): string[] {
    return this.#intake.topics;
  }

  /**
   * Enrols, connects, takes the configuration (the cached one first, when there is one) and sends the
   * first heartbeat. Reads the configured topics, unless a subclass overrides `start`: that one calls
   * `subscribeToTopics` when it is ready. Waits for ever for a server or broker that is away.
   * @throws {AgentError} OPMAS_INVALID_CONFIGURATION, or the refusal of the server
   */
  async start(): Promise<void> {
    this.#starting ??= this.#start();
    await this.#starting;
    if (this.start === BaseAgent.prototype.start) {
      await this.subscribeToTopics(this.config.value.subscribed_topics);
    }
  }

  /**
   * Finishes what is in flight (at most 10 s), sends the last metrics and status, disconnects. What is
   * not finished by then comes again to another instance. A second call waits for the first.
   */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  /**
   * Called for each event, in the order of its topic. A rejection, or taking longer than
   * `processing.timeout`, brings the event again, and after `processing.max_retries` deliveries to the
   * dead letters. Findings published inside have the broker's receipt before the event is acknowledged.
   */
  async processEvent(event: LogEvent): Promise<void> {
    for (const match of this.match(event)) {
      await this.publishFinding(this.findingOf(match, event));
    }
  }

  /** The configured rules that match `event`, in their order. */
  match(event: LogEvent): Match[] {
    return this.#configuration.ruleset.match(event);
  }

  /** The finding a matched rule stands for. */
  findingOf(match: Match, event: LogEvent): Finding {
    const { rule } = match;
    return this.createFinding({
      type: rule.type ?? 'generic_alert',
      severity: rule.severity,
      description: `Rule '${rule.name}' matched`,
      details: {
        event_id: event.event_id,
        rule_id: rule.id,
        rule_version: knownVersion(rule),
        matched_pattern: match.matched_pattern,
        event,
      },
    });
  }

  /**
   * A complete finding; secrets in its details are masked, long texts cut. Its id follows from the
   * agent, the rule (or type), the dedupe key (or order) and the event, so a redelivery repeats it.
   * @throws {AgentError} OPMAS_INVALID_FORMAT naming every wrong field
   */
  createFinding(draft: FindingDraft): Finding {
    return makeFinding(draft, {
      agentId: this.agentId,
      agentName: this.agentName,
      clock: this.clock,
      scope: currentScope(),
    });
  }

  /**
   * Publishes on the configured findings topic. While an event is processed it resolves as soon as the
   * finding is on its way (the event's acknowledgement waits for the broker's receipt); elsewhere when
   * the broker has stored it.
   * @throws {AgentError} OPMAS_INVALID_FORMAT for what is no finding, OPMAS_RESOURCE_EXHAUSTED beyond
   * 1,000 findings of one event
   */
  async publishFinding(finding: Finding): Promise<void> {
    await this.#findings.publish(finding);
  }

  /** `publishFinding` for each, in order. */
  async publishFindings(findings: readonly Finding[]): Promise<void> {
    for (const finding of findings) await this.publishFinding(finding);
  }

  /** Reads these topics too. A topic that is read already is left as it is. */
  async subscribeToTopics(topics: readonly string[]): Promise<void> {
    const wrong = topics.filter((topic) => !isLogTopic(topic));
    if (wrong.length > 0) {
      throw new AgentError(
        'OPMAS_INVALID_REQUEST',
        `not log topics: ${wrong.map((t) => JSON.stringify(t)).join(', ')}; a topic is logs.<domain>`,
      );
    }
    for (const topic of topics) await this.#intake.open(topic);
  }

  /**
   * Defaults of the agent's own configuration keys, below what the package and the server say. Called
   * while the agent is constructed, so it must not use the instance.
   */
  ownDefaults(): ConfigLayer {
    return {};
  }

  /**
   * What is wrong with `document` (a whole, canonical configuration) beyond the common schema and the
   * rules, which are always checked. Override it to add the agent's own demands. Empty means valid.
   */
  validateConfig(_document: Record<string, unknown> = this.config.value): readonly Fault[] {
    return [];
  }

  /**
   * Merges `config` over the current configuration and puts it in force, whole or not at all.
   * @throws {AgentError} OPMAS_INVALID_CONFIGURATION with every fault; the old one stays in force and
   * the refusal is reported in `opmas.status`
   */
  async updateConfig(config: ConfigLayer, origin: ConfigOrigin = {}): Promise<void> {
    const before = this.config.value;
    try {
      const candidate = this.#configuration.propose(config, origin, (d) => this.validateConfig(d));
      this.#configuration.adopt(candidate);
      await this.#runtime.keepConfig({
        version: candidate.config.version ?? 0,
        hash: candidate.config.hash,
        config: candidate.given,
      });
    } catch (error) {
      this.#announcer.announce();
      throw error;
    }
    await this.#configApplied(before);
  }

  /** Called after a configuration came into force, the first included. Override to follow changes. */
  protected async configChanged(): Promise<void> {}

  /** Obeys a command and says how it went. Never rejects. */
  async handleControlMessage(message: ControlMessage): Promise<ControlReply> {
    const ids = message.command_id === undefined ? {} : { command_id: message.command_id };
    try {
      const data = await obey(message, {
        clock: this.clock,
        updateConfig: (config, origin) => this.updateConfig(config, origin),
        refreshConfig: () => this.#source.refresh(this.#ending.signal),
        runningHash: () => this.config.hash,
        setLogLevel: (level) => this.logger.setLevel(level),
        end: (reason) => this.#endSoon(reason),
        drain: () => this.#drain(),
        health: () => this.checkHealth(),
        diagnostics: async () => this.#diagnostics(),
      });
      this.logger.info(`command ${message.command} done`, ids);
      return this.#reply({ ok: true, ...ids, ...(data === undefined ? {} : { data }) });
    } catch (error) {
      this.logger.error(`command ${message.command} failed`, { ...ids, error: messageOf(error) });
      return this.#reply({ ok: false, ...ids, error: messageOf(error) });
    }
  }

  /** What the heartbeat's status is taken from. Override to add the agent's own checks. */
  async checkHealth(): Promise<AgentHealth> {
    return {
      status: this.#status.state,
      metrics: this.getMetrics(),
      components: this.#components(),
      timestamp: isoTime(this.clock),
    };
  }

  /** Sends a heartbeat now. */
  async updateHeartbeat(): Promise<void> {
    const status = await this.#healthState();
    this.#runtime.tell('heartbeat', heartbeatOf(this.#sender, status, this.config));
    this.#announcer.announce();
  }

  /** All metrics by name; counters are cumulative since this instance started. */
  getMetrics(): Record<string, MetricValue> {
    return this.metrics.snapshot();
  }

  /** What `opmas.status` says. */
  getStatus(): AgentStatusReport {
    this.#status.configError(this.#configuration.report.error);
    return {
      agent_id: this.agentId,
      status: this.#status.state,
      reason: this.#status.reason,
      timestamp: isoTime(this.clock),
      instance_id: this.instanceId,
      components: this.#components(),
      config: this.#configuration.report,
    };
  }

  /** Counts, logs and reports an error that the agent survives. */
  async handleError(error: unknown): Promise<void> {
    this.metrics.increment('errors');
    await this.reportError({ error: messageOf(error), timestamp: isoTime(this.clock) });
  }

  /**
   * Tells the management system: an error line in the agent's log and the reason of its status, which
   * is degraded for the next minute.
   */
  async reportError(report: { error: string; [field: string]: unknown }): Promise<void> {
    const { error, ...context } = report;
    this.logger.error(error, context);
    this.#status.error(error);
    this.#announcer.announce();
  }

  /** A copy without secrets: values under password, token, secret or key, at any depth, become `******`. */
  sanitizeData(data: object): Record<string, unknown> {
    return sanitizeData(data);
  }

  async #start(): Promise<void> {
    const signal = this.#ending.signal;
    await this.#runtime.open(
      {
        control: (data) => this.#control.receive(data),
        link: (state, reason) => {
          this.#status.link(state, reason);
          if (state === 'down') this.#announcer.announce();
          else this.#announcer.repeat();
          if (state === 'up' && this.#status.running) this.#beat();
        },
        refused: (error) => {
          this.logger.critical('the server refuses this agent', { error: messageOf(error) });
          this.#endSoon('refused');
        },
      },
      signal,
    );
    await this.#source.first(signal);
    if (signal.aborted) return;
    this.#status.started();
    await this.updateHeartbeat();
    this.#beats.start();
  }

  async #configApplied(before: AgentConfig): Promise<void> {
    const { value } = this.config;
    this.logger.setLevel(value.monitoring.log_level);
    this.metrics.set('active_rules', value.rules.length);
    await this.#followTopics(before, value);
    if (this.#status.running) this.#beats.start();
    try {
      await this.configChanged();
    } catch (error) {
      await this.handleError(error);
    }
    this.#announcer.announce();
  }

  /** The credentials name the topics an agent may read and write: other topics need other ones. */
  async #followTopics(before: AgentConfig, now: AgentConfig): Promise<void> {
    const same =
      before.findings_topic === now.findings_topic &&
      JSON.stringify(before.subscribed_topics) === JSON.stringify(now.subscribed_topics);
    if (same || !this.#status.running) return;
    try {
      const renewed = this.#runtime.renewAccess();
      await within(this.clock, limits.renewWaitMs, renewed, () =>
        tooLong(limits.renewWaitMs / 1000),
      );
    } catch (error) {
      this.logger.warning('no credentials for the new topics yet', { error: messageOf(error) });
    }
    await this.#intake.follow(before.subscribed_topics, now.subscribed_topics);
  }

  async #drain(): Promise<void> {
    this.#status.drained();
    await this.#intake.closeAll(limits.drainMs);
    this.#announcer.announce();
  }

  /** A heartbeat that nobody waits for. */
  #beat(): void {
    this.updateHeartbeat().catch((error: unknown) =>
      this.logger.error('a heartbeat failed', { error: messageOf(error) }),
    );
  }

  #endSoon(reason: StopReason): void {
    // After the answer to the command is written.
    this.#endsWith = reason;
    setImmediate(() => {
      this.stop().catch((error: unknown) => {
        this.logger.critical('stopping failed', { error: messageOf(error) });
        this.#end(reason);
      });
    });
  }

  async #stop(): Promise<void> {
    this.#ending.abort();
    this.#status.stopping();
    this.#beats.stop();
    this.#announcer.announce();
    await this.#intake.closeAll(limits.drainMs);
    await this.#sendMetrics();
    await this.updateHeartbeat();
    this.#announcer.repeat();
    await this.#runtime.close();
    this.#end(this.#endsWith);
  }

  /** When the author leaves everything to the rules, a batch is matched at one go. */
  #together(): ((scopes: readonly EventScope[]) => Promise<void>) | undefined {
    const base = BaseAgent.prototype;
    const untouched =
      this.processEvent === base.processEvent &&
      this.match === base.match &&
      this.findingOf === base.findingOf &&
      this.createFinding === base.createFinding &&
      this.publishFinding === base.publishFinding;
    if (!untouched) return undefined;
    return (scopes) =>
      matchTogether(scopes, {
        ruleset: this.#configuration.ruleset,
        metrics: this.metrics,
        report: (match, event) => this.findingOf(match, event),
        publish: (finding) => this.#findings.publish(finding),
      });
  }

  #process(scope: EventScope): Promise<void> {
    return processOne(scope, {
      clock: this.clock,
      metrics: this.metrics,
      timeoutSeconds: this.config.value.processing.timeout,
      work: (event) => this.processEvent(event),
    });
  }

  #eventFailed(error: unknown, event: LogEvent, deliveries: number): void {
    this.logger.debug('an event failed', { event_id: event.event_id, deliveries });
    this.handleError(error).catch((second: unknown) =>
      this.logger.critical('handleError itself failed', { error: messageOf(second) }),
    );
  }

  async #sendMetrics(): Promise<void> {
    if (!this.config.value.monitoring.metrics_enabled) return;
    measureProcess(this.metrics);
    this.#runtime.tell('metrics', metricsOf(this.#sender, this.getMetrics()));
  }

  async #healthState(): Promise<string> {
    if (!this.#status.running) return this.#status.state;
    try {
      const health = await within(this.clock, 5_000, this.checkHealth(), () => tooLong(5));
      return String(health.status).slice(0, 32) || 'unhealthy';
    } catch (error) {
      this.logger.error('checkHealth failed', { error: messageOf(error) });
      return 'unhealthy';
    }
  }

  #components(): Record<string, unknown> {
    return {
      nats: this.#status.linkState,
      topics: this.#intake.topics,
      in_flight: this.#intake.inFlight,
    };
  }

  #diagnostics(): object {
    return {
      status: this.getStatus(),
      metrics: this.getMetrics(),
      config: sanitizeData(this.config.value),
      agent: {
        name: this.agentName,
        type: this.#runtime.agentType,
        version: this.#runtime.version,
      },
      node: process.version,
      uptime: uptimeOf(this.#sender),
    };
  }

  #reply(answer: Omit<ControlReply, 'agent_id' | 'instance_id'>): ControlReply {
    return { agent_id: this.agentId, instance_id: this.instanceId, ...answer };
  }
}
