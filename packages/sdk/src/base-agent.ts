/** The class every agent extends: the author writes `processEvent`, everything else is done here. */
import type {
  AgentStatusReport,
  ConfigLayer,
  ControlMessage,
  ControlReply,
  Fault,
  Finding,
  LogEvent,
  MetricValue,
} from '@opmas/protocol';
import { isLogTopic } from '@opmas/protocol';
import type { ActionHandler, AgentMatch } from './agent/actions.ts';
import type { ConfigOrigin } from './agent/configuration.ts';
import { obey, refusalOf } from './agent/control.ts';
import { type Author, Machinery, type StopReason } from './agent/machinery.ts';
import { registerOwnMetrics } from './agent/own-metrics.ts';
import { knownVersion } from './agent/rule-version.ts';
import { settleMatches } from './agent/settling.ts';
import type { AgentHealth } from './agent/status.ts';
import { descriptionOf, windowOf } from './agent/window-findings.ts';
import { type Clock, isoTime } from './clock.ts';
import type { Config } from './config.ts';
import { AgentError, messageOf } from './errors.ts';
import { type FindingDraft, makeFinding } from './finding.ts';
import { createLogger, type Logger } from './logger.ts';
import { Metrics } from './metrics.ts';
import { handedOverRuntime } from './runtime/ambient.ts';
import { createRuntime } from './runtime/connected.ts';
import type { AgentRuntime } from './runtime/runtime.ts';
import { sanitizeData } from './sanitize.ts';
import { currentScope } from './work/scope.ts';

export type { StopReason } from './agent/machinery.ts';

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
  readonly #machinery: Machinery;

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
    this.metrics = new Metrics((name) => currentScope()?.touch(name));
    registerOwnMetrics(this.metrics);
    this.logger = createLogger({
      agentId,
      instanceId: this.#runtime.instanceId,
      clock: this.clock,
      write: (line) => this.#runtime.log(line),
    });
    this.#machinery = new Machinery(this.#runtime, this.#author());
  }

  /** The configuration in force; the package's defaults before the start. */
  get config(): Config {
    return this.#machinery.configuration.config;
  }

  get instanceId(): string {
    return this.#runtime.instanceId;
  }

  /** Resolves when the agent has ended, by `stop()` or by command. */
  get ended(): Promise<StopReason> {
    return this.#machinery.ended;
  }

  /** Topics being read now. */
  get topics(): string[] {
    return this.#machinery.intake.topics;
  }

  /**
   * Enrols, connects, takes the configuration (the cached one first, when there is one) and sends the
   * first heartbeat. Reads the configured topics, unless a subclass overrides `start`: that one calls
   * `subscribeToTopics` when it is ready. Waits for ever for a server or broker that is away.
   * @throws {AgentError} OPMAS_INVALID_CONFIGURATION, or the refusal of the server
   */
  async start(): Promise<void> {
    await this.#machinery.start();
    if (this.start === BaseAgent.prototype.start) {
      await this.subscribeToTopics(this.config.value.subscribed_topics);
    }
  }

  /**
   * Finishes what is in flight, sends the last metrics and status, disconnects, all within nine tenths of the time
   * the host gives (10 s unless it says otherwise), half of it for what is in flight. What is not finished by then
   * comes again to another instance. A second call waits for the first.
   */
  async stop(): Promise<void> {
    await this.#machinery.stop();
  }

  /**
   * Called for each event, in the order of its topic. A rejection, or taking longer than
   * `processing.timeout`, brings the event again, and after `processing.max_retries` deliveries to the
   * dead letters. Findings published inside have the broker's receipt before the event is acknowledged.
   */
  async processEvent(event: LogEvent): Promise<void> {
    for (const match of this.match(event)) await this.act(match, event);
  }

  /**
   * The configured rules that match `event`, in their order. Rules that count over time count it, once however
   * often it comes, and are among them with `window` when it completes what they count.
   */
  match(event: LogEvent): AgentMatch[] {
    const { ruleset } = this.#machinery.configuration;
    const matches = ruleset.match(event);
    this.#machinery.fuses.check(ruleset);
    this.#machinery.usage.saw([event]);
    this.#machinery.usage.hit(matches);
    const scope = currentScope();
    if (scope !== undefined) return settleMatches(scope, matches, this.#machinery.counting.windows);
    const { found, firings } = this.#machinery.counting.windows.settle(matches, event);
    for (const firing of firings) this.#machinery.counting.windows.told(firing);
    return found;
  }

  /**
   * Does what the rule's `action` says: publishes the finding (`alert`, `webhook:<channel>`), writes a line in
   * the agent's log (`log`), or calls what `registerAction` was given.
   */
  act(match: AgentMatch, event: LogEvent): Promise<void> {
    return this.#machinery.act(match, event);
  }

  /**
   * Makes `name` an action that rules may have. To be called before `start`: a configuration whose rules have an
   * action nobody knows is refused. A handler that rejects brings the event again.
   * @param name a to z, 0 to 9, _ and -, beginning with a letter
   * @throws {AgentError} OPMAS_INVALID_REQUEST for a name that is taken, or none
   */
  registerAction(name: string, handler: ActionHandler): void {
    this.#machinery.actions.register(name, handler);
  }

  /**
   * The finding a matched rule stands for. For an absence `event` is no more than the id and time of the last
   * event before it.
   */
  findingOf(match: AgentMatch, event: LogEvent): Finding {
    const { rule, window } = match;
    const { tags, references, action } = rule;
    const absent = window?.kind === 'absence' || window?.kind === 'silence';
    return this.createFinding({
      type: rule.type ?? 'generic_alert',
      severity: rule.severity,
      description: descriptionOf(match),
      ...(window === undefined ? {} : { dedupeKey: window.key }),
      details: {
        event_id: event.event_id,
        rule_id: rule.id,
        rule_version: knownVersion(rule),
        matched_pattern: match.matched_pattern,
        ...(absent ? {} : { event }),
        ...(window === undefined ? {} : { window: windowOf(window) }),
        ...(tags === undefined ? {} : { tags }),
        ...(references === undefined ? {} : { references }),
        ...(action === 'alert' ? {} : { action }),
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
    await this.#machinery.findings.publish(finding);
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
    for (const topic of topics) await this.#machinery.intake.open(topic);
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
   * the refusal is reported in `opmas.status`. OPMAS_API_UNREACHABLE when it needs credentials that the
   * server does not give now.
   */
  async updateConfig(config: ConfigLayer, origin: ConfigOrigin = {}): Promise<void> {
    await this.#machinery.configurator.apply(config, origin);
  }

  /**
   * Called after a configuration came into force, the first included. Override to follow changes; when it
   * throws, or takes longer than 12 seconds, the configuration before is put in force again and this one is
   * reported as refused. Until it ends the agent is reported to run the one before.
   */
  protected async configChanged(): Promise<void> {}

  /** Obeys a command and says how it went. Never rejects. */
  async handleControlMessage(message: ControlMessage): Promise<ControlReply> {
    const ids = message.command_id === undefined ? {} : { command_id: message.command_id };
    try {
      const data = await obey(message, {
        clock: this.clock,
        offerConfig: (offer, deadline) =>
          this.#machinery.configurator.offered(offer, deadline, this.#machinery.endingSignal),
        runningHash: () => this.#machinery.configuration.followed.hash,
        setLogLevel: (level) => this.logger.setLevel(level),
        end: (reason) => this.#machinery.endSoon(reason),
        drain: () => this.#machinery.drain(),
        health: () => this.checkHealth(),
        diagnostics: async () => this.#machinery.vitals.diagnostics(this.getStatus()),
      });
      this.logger.info(`command ${message.command} done`, ids);
      return this.#machinery.reply({ ok: true, ...ids, ...(data === undefined ? {} : { data }) });
    } catch (error) {
      this.logger.error(`command ${message.command} failed`, { ...ids, error: messageOf(error) });
      const data = refusalOf(message, error, this.#machinery.configuration.report.running_hash);
      return this.#machinery.reply({
        ok: false,
        ...ids,
        error: messageOf(error),
        ...(data === undefined ? {} : { data }),
      });
    }
  }

  /** What the heartbeat's status is taken from. Override to add the agent's own checks. */
  async checkHealth(): Promise<AgentHealth> {
    return this.#machinery.vitals.health();
  }

  /** Sends a heartbeat now. */
  async updateHeartbeat(): Promise<void> {
    await this.#machinery.vitals.heartbeat();
    this.#machinery.announcer.announce();
  }

  /** All metrics by name; counters are cumulative since this instance started. */
  getMetrics(): Record<string, MetricValue> {
    return this.metrics.snapshot();
  }

  /** What `opmas.status` says. */
  getStatus(): AgentStatusReport {
    return this.#machinery.vitals.report();
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
    this.#machinery.configurator.failed();
    this.logger.error(error, context);
    this.#machinery.status.error(error);
    this.#machinery.announcer.announce();
  }

  /** A copy without secrets: values under password, token, secret or key, at any depth, become `******`. */
  sanitizeData(data: object): Record<string, unknown> {
    return sanitizeData(data);
  }

  /** Asked each time: a subclass may have put something in place of any of them. */
  #author(): Author {
    return {
      agentId: this.agentId,
      metrics: this.metrics,
      logger: () => this.logger,
      ownDefaults: () => this.ownDefaults(),
      leavesAllToRules: () => this.#leavesAllToRules(),
      stop: () => this.stop(),
      processEvent: (event) => this.processEvent(event),
      act: (match, event) => this.act(match, event),
      findingOf: (match, event) => this.findingOf(match, event),
      publishFinding: (finding) => this.publishFinding(finding),
      validateConfig: (document) => this.validateConfig(document),
      updateConfig: (config, origin) => this.updateConfig(config, origin),
      configChanged: () => this.configChanged(),
      handleControlMessage: (message) => this.handleControlMessage(message),
      checkHealth: () => this.checkHealth(),
      updateHeartbeat: () => this.updateHeartbeat(),
      getStatus: () => this.getStatus(),
      handleError: (error) => this.handleError(error),
      reportError: (report) => this.reportError(report),
    };
  }

  #leavesAllToRules(): boolean {
    const base = BaseAgent.prototype;
    return (
      this.processEvent === base.processEvent &&
      this.match === base.match &&
      this.act === base.act &&
      this.findingOf === base.findingOf &&
      this.createFinding === base.createFinding &&
      this.publishFinding === base.publishFinding
    );
  }
}
