/** What an agent is made of, how its parts are joined, and its life: start, work, drain, end. */
import type {
  AgentConfig,
  AgentStatusReport,
  ConfigLayer,
  ControlMessage,
  ControlReply,
  Fault,
  Finding,
  LogEvent,
} from '@opmas/protocol';
import { messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import type { AgentRuntime } from '../runtime/runtime.ts';
import type { EventScope } from '../work/scope.ts';
import { Actions, type AgentMatch, publishes } from './actions.ts';
import { Announcer } from './announcer.ts';
import { Beats } from './beats.ts';
import { type ConfigOrigin, Configuration, ruleBudgetOf } from './configuration.ts';
import { Configurator } from './configurator.ts';
import { ControlDoor } from './control.ts';
import { Counting } from './counting.ts';
import { Ending } from './ending.ts';
import { Fuses } from './fuses.ts';
import { Intake } from './intake.ts';
import { matchTogether, processOne } from './processing.ts';
import { FindingPublisher } from './publisher.ts';
import { RulesInUse } from './rules-in-use.ts';
import { Sources } from './sources.ts';
import { type AgentHealth, StatusBook } from './status.ts';
import { Vitals } from './vitals.ts';
import { descriptionOf } from './window-findings.ts';

/** Why an agent ended. */
export type StopReason = 'stop' | 'restart' | 'refused';

/** What an author may have put something of his own in place of, and what the agent says in his name. */
export interface Author {
  readonly agentId: string;
  readonly metrics: Metrics;
  /** An author may set another one. */
  logger(): Logger;
  ownDefaults(): ConfigLayer;
  /** Everything that comes between an event and its findings is left to the rules. */
  leavesAllToRules(): boolean;
  stop(): Promise<void>;
  processEvent(event: LogEvent): Promise<void>;
  act(match: AgentMatch, event: LogEvent): Promise<void>;
  findingOf(match: AgentMatch, event: LogEvent): Finding;
  publishFinding(finding: Finding): Promise<void>;
  validateConfig(document: Record<string, unknown>): readonly Fault[];
  updateConfig(config: ConfigLayer, origin: ConfigOrigin): Promise<void>;
  configChanged(): Promise<void>;
  handleControlMessage(message: ControlMessage): Promise<ControlReply>;
  checkHealth(): Promise<AgentHealth>;
  updateHeartbeat(): Promise<void>;
  getStatus(): AgentStatusReport;
  handleError(error: unknown): Promise<void>;
  reportError(report: { error: string; [field: string]: unknown }): Promise<void>;
}

export class Machinery {
  readonly configuration: Configuration;
  readonly status: StatusBook;
  readonly intake: Intake;
  readonly findings: FindingPublisher;
  readonly announcer: Announcer;
  readonly vitals: Vitals;
  readonly configurator: Configurator;
  readonly actions = new Actions();
  readonly counting: Counting;
  readonly usage: RulesInUse;
  readonly fuses: Fuses;
  readonly ended: Promise<StopReason>;
  readonly #runtime: AgentRuntime;
  readonly #author: Author;
  readonly #beats: Beats;
  readonly #control: ControlDoor;
  readonly #sources: Sources;
  readonly #ending = new AbortController();
  #end: (reason: StopReason) => void = () => {};
  #endsWith: StopReason = 'stop';
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(runtime: AgentRuntime, author: Author) {
    this.#runtime = runtime;
    this.#author = author;
    const { clock } = runtime;
    this.configuration = new Configuration({
      code: author.ownDefaults(),
      files: runtime.packageDefaults,
    });
    this.status = new StatusBook(clock);
    this.findings = new FindingPublisher(
      runtime,
      author.metrics,
      () => this.configuration.config.value.findings_topic,
    );
    this.announcer = new Announcer(
      clock,
      () => author.getStatus(),
      (report) => runtime.tell('status', report),
    );
    this.#sources = new Sources(clock);
    this.intake = new Intake(runtime, author.metrics, {
      heard: ({ topic, data }) => this.#sources.heard(topic, data),
      process: (scope) => this.#process(scope),
      processAll: () => this.#together(),
      settings: () => this.configuration.config.value.processing,
      ruleset: () => this.configuration.ruleset,
      failed: (error, event, deliveries) => this.#eventFailed(error, event, deliveries),
      invalid: (error, topic) =>
        author.logger().warning('part of a message cannot be read', { error, topic }),
    });
    this.counting = new Counting({
      runtime,
      configuration: this.configuration,
      metrics: author.metrics,
      logger: () => author.logger(),
      topics: () => this.intake.topics,
      act: (match, event) => author.act(match, event),
      report: (report) => author.reportError(report),
    });
    this.usage = new RulesInUse(clock, (ruleId) =>
      this.#ruleFault(
        ruleId,
        `rule ${ruleId} took more than its time: it is matched by the slower, linear matcher from now on`,
      ),
    );
    this.fuses = new Fuses(clock, ({ rule_id, reason }) =>
      this.#ruleFault(rule_id, `rule ${rule_id} is out of service: it ${reason}`),
    );
    this.vitals = new Vitals({
      usage: this.usage,
      fuses: this.fuses,
      sources: this.#sources,
      runtime,
      sender: {
        agentId: author.agentId,
        instanceId: runtime.instanceId,
        clock,
        startedAt: clock.now(),
      },
      configuration: this.configuration,
      status: this.status,
      metrics: author.metrics,
      intake: this.intake,
      healthyConfig: () => this.configurator.healthy,
      logger: () => author.logger(),
      checkHealth: () => author.checkHealth(),
    });
    this.configurator = new Configurator({
      runtime,
      configuration: this.configuration,
      logger: () => author.logger(),
      isRunning: () => this.status.running,
      validate: (document) => [
        ...this.actions.faults(document),
        ...author.validateConfig(document),
      ],
      update: (config, origin) => author.updateConfig(config, origin),
      ending: () => this.vitals.sendErrors(),
      follow: (before, now) => this.#follow(before, now),
      changed: () => author.configChanged(),
      onError: (error) => author.handleError(error),
      announce: () => this.announcer.outcome(),
    });
    this.#beats = new Beats({
      clock,
      heartbeatSeconds: () => this.configuration.config.value.monitoring.heartbeat_interval,
      metricsSeconds: () => this.configuration.config.value.monitoring.metrics_interval,
      heartbeat: () => author.updateHeartbeat(),
      metrics: async () => this.vitals.sendMetrics(),
      onError: (error) =>
        author.logger().error('a sign of life failed', { error: messageOf(error) }),
    });
    this.#control = new ControlDoor(
      (message) => author.handleControlMessage(message),
      (error) => this.reply({ ok: false, error }),
    );
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Aborted when the agent begins to end. */
  get endingSignal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Once, however often it is called. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Once, however often it is called. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** After the answer to a command is written. */
  endSoon(reason: StopReason): void {
    this.#endsWith = reason;
    setImmediate(() => {
      this.#author.stop().catch((error: unknown) => {
        this.#author.logger().critical('stopping failed', { error: messageOf(error) });
        this.#end(reason);
      });
    });
  }

  /**
   * See `BaseAgent.act`.
   * @param isMade nothing of the author's comes between the making of a finding and its publishing
   */
  async act(match: AgentMatch, event: LogEvent, { isMade = false } = {}): Promise<void> {
    const { action, severity, id } = match.rule;
    const own = this.actions.handler(action);
    if (own !== undefined) await own(match, event);
    else if (!publishes(action))
      this.#author
        .logger()
        [severity](descriptionOf(match), { rule_id: id, event_id: event.event_id });
    else if (isMade) await this.findings.publish(this.#author.findingOf(match, event), { isMade });
    else await this.#author.publishFinding(this.#author.findingOf(match, event));
  }

  /** With who answers. */
  reply(answer: Omit<ControlReply, 'agent_id' | 'instance_id'>): ControlReply {
    const { instanceId } = this.#runtime;
    return { agent_id: this.#author.agentId, instance_id: instanceId, ...answer };
  }

  async #start(): Promise<void> {
    const signal = this.#ending.signal;
    await this.#runtime.open(
      {
        control: (data) => this.#control.receive(data),
        link: (state, reason) => {
          this.status.link(state, reason);
          if (state === 'down') this.announcer.announce();
          else this.announcer.repeat();
          if (state === 'up' && this.status.running) this.#beat();
        },
        refused: (error) => {
          this.#author
            .logger()
            .critical('the server refuses this agent', { error: messageOf(error) });
          this.endSoon('refused');
        },
      },
      signal,
    );
    await this.configurator.first(signal);
    if (signal.aborted) return;
    this.status.started();
    await this.#author.updateHeartbeat();
    this.#beats.start();
    await this.counting.windows.ready();
  }

  /** What runs takes over the configuration in force. */
  async #follow(before: AgentConfig, now: AgentConfig): Promise<void> {
    this.fuses.follow(this.configuration.ruleset, ruleBudgetOf(now));
    this.#author.logger().setLevel(now.monitoring.log_level);
    this.#author.metrics.set('active_rules', now.rules.length);
    await this.intake.follow(before.subscribed_topics, now.subscribed_topics);
    if (this.status.running) this.#beats.start();
  }

  /** Takes no more events and finishes what is in flight; goes on living. */
  async drain(): Promise<void> {
    this.status.drained();
    await this.intake.closeAll(limits.drainMs);
    this.announcer.announce();
  }

  /** A heartbeat that nobody waits for. */
  #beat(): void {
    this.#author
      .updateHeartbeat()
      .catch((error: unknown) =>
        this.#author.logger().error('a heartbeat failed', { error: messageOf(error) }),
      );
  }

  async #stop(): Promise<void> {
    this.#ending.abort();
    this.status.stopping();
    this.#beats.stop();
    this.configurator.stopTrial();
    this.announcer.announce();
    const ending = new Ending({
      clock: this.#runtime.clock,
      graceMs: this.#runtime.stopGraceMs ?? limits.stopGraceMs,
      onTrouble: (error) =>
        this.#author.logger().error('the end is not in order', { error: messageOf(error) }),
    });
    await ending.part('what is in flight is not given back', limits.drainShare, (leftMs) =>
      // A moment less, so that it can give back what is not done.
      this.intake.closeAll(leftMs * 0.95),
    );
    this.vitals.sendMetrics();
    await ending.part('the last heartbeat is not sent', limits.lastWordsShare, () =>
      this.#author.updateHeartbeat(),
    );
    this.announcer.repeat();
    await ending.part('the windows of rules are not kept', limits.keepShare, async (leftMs) => {
      await this.counting.windows.close(leftMs / 2);
      await this.configurator.endInOrder();
    });
    await ending.part('the connection is not closed', limits.closeShare, () =>
      this.#runtime.close(),
    );
    this.#end(this.#endsWith);
    ending.done();
  }

  /** When the author leaves everything to the rules, a batch is matched at one go. */
  #together(): ((scopes: readonly EventScope[]) => Promise<void>) | undefined {
    if (!this.#author.leavesAllToRules()) return undefined;
    return async (scopes) => {
      await this.counting.windows.ready();
      await matchTogether(scopes, {
        ruleset: () => this.configuration.ruleset,
        fuses: this.fuses,
        windows: this.counting.windows,
        metrics: this.#author.metrics,
        usage: this.usage,
        act: (match, event) => this.act(match, event, { isMade: true }),
        untuned: (error) =>
          this.#author.logger().warning('the rules are not tuned to the traffic', {
            error: messageOf(error),
          }),
      });
      this.counting.processed(scopes.at(-1));
      this.configurator.succeeded();
    };
  }

  /** All other rules go on as before: told once. */
  #ruleFault(ruleId: string, error: string): void {
    this.#author
      .reportError({ error, rule_id: ruleId })
      .catch((second: unknown) =>
        this.#author.logger().critical('reportError itself failed', { error: messageOf(second) }),
      );
  }

  async #process(scope: EventScope): Promise<void> {
    await this.counting.windows.ready();
    await processOne(scope, {
      clock: this.#runtime.clock,
      metrics: this.#author.metrics,
      timeoutSeconds: this.configuration.config.value.processing.timeout,
      work: (event) => this.#author.processEvent(event),
    });
    this.counting.processed(scope);
    this.configurator.succeeded();
  }

  #eventFailed(error: unknown, event: LogEvent, deliveries: number): void {
    this.#author.logger().debug('an event failed', { event_id: event.event_id, deliveries });
    this.#author
      .handleError(error)
      .catch((second: unknown) =>
        this.#author.logger().critical('handleError itself failed', { error: messageOf(second) }),
      );
  }
}
