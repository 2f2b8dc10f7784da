/** What an agent tells of itself: its health in one word, its parts, its figures, its inside on request. */
import type { AgentStatusReport, MetricValue } from '@opmas/protocol';
import { isoTime, within } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import type { AgentRuntime } from '../runtime/runtime.ts';
import { sanitizeData } from '../sanitize.ts';
import { tooLong } from '../work/worker.ts';
import type { Configuration } from './configuration.ts';
import type { Fuses } from './fuses.ts';
import type { Intake } from './intake.ts';
import { heartbeatOf, measureProcess, metricsOf, type Sender, uptimeOf } from './reports.ts';
import type { RulesInUse } from './rules-in-use.ts';
import type { Sources } from './sources.ts';
import type { AgentHealth, StatusBook } from './status.ts';

/** An author's health check that takes longer counts as unhealthy. */
const HEALTH_MS = 5_000;

export interface VitalsPorts {
  runtime: AgentRuntime;
  sender: Sender;
  configuration: Configuration;
  status: StatusBook;
  metrics: Metrics;
  intake: Intake;
  usage: RulesInUse;
  fuses: Fuses;
  sources: Sources;
  /** What the agent would go back to. */
  healthyConfig(): { hash: string; version: number } | null;
  logger(): Logger;
  /** The author's check, or the one every agent has. */
  checkHealth(): Promise<AgentHealth>;
}

export class Vitals {
  readonly #ports: VitalsPorts;
  /** As last reported. */
  #errorsTold: MetricValue = 0;

  constructor(ports: VitalsPorts) {
    this.#ports = ports;
  }

  /** What every agent knows of its health. */
  health(): AgentHealth {
    const { status, metrics, sender } = this.#ports;
    return {
      status: status.state,
      metrics: metrics.snapshot(),
      components: this.#components(),
      timestamp: isoTime(sender.clock),
    };
  }

  /** Sends a heartbeat now. */
  async heartbeat(): Promise<void> {
    const { runtime, sender, configuration } = this.#ports;
    const status = await this.#state();
    runtime.tell('heartbeat', heartbeatOf(sender, status, configuration.followed));
  }

  /** Sends the metrics now, where they are wanted. */
  sendMetrics(): void {
    const { runtime, sender, configuration, metrics, usage, sources } = this.#ports;
    if (!configuration.config.value.monitoring.metrics_enabled) return;
    measureProcess(metrics);
    this.#errorsTold = metrics.get('errors');
    runtime.tell(
      'metrics',
      metricsOf(sender, metrics.snapshot(), {
        rules: usage.report(configuration.ruleset),
        sources: sources.report(),
        partialAt: sources.partialAt,
      }),
    );
  }

  /**
   * Tells of errors that were not told yet: those made under a configuration must not be taken for those of the one
   * that takes its place. Where there are none nothing is sent, so that a change of a whole fleet costs nothing here.
   */
  sendErrors(): void {
    if (this.#ports.metrics.get('errors') !== this.#errorsTold) this.sendMetrics();
  }

  /** What `opmas.status` says. */
  report(): AgentStatusReport {
    const { status, configuration, sender, fuses } = this.#ports;
    const config = configuration.report;
    const healthy = this.#ports.healthyConfig();
    status.configError(config.error);
    return {
      agent_id: sender.agentId,
      status: status.state,
      reason: status.reason,
      timestamp: isoTime(sender.clock),
      instance_id: sender.instanceId,
      components: this.#components(),
      disabled_rules: fuses.list,
      config: {
        ...config,
        healthy_hash: healthy?.hash ?? null,
        healthy_version: healthy?.version ?? null,
      },
    };
  }

  /** For the `diagnostics` command; secrets are masked. */
  diagnostics(report: AgentStatusReport): object {
    const { runtime, sender, configuration, metrics } = this.#ports;
    return {
      status: report,
      metrics: metrics.snapshot(),
      config: sanitizeData(configuration.config.value),
      agent: { name: runtime.agentName, type: runtime.agentType, version: runtime.version },
      node: process.version,
      uptime: uptimeOf(sender),
    };
  }

  async #state(): Promise<string> {
    const { status, sender, logger, checkHealth } = this.#ports;
    if (!status.running) return status.state;
    try {
      const health = await within(sender.clock, HEALTH_MS, checkHealth(), () =>
        tooLong(HEALTH_MS / 1_000),
      );
      return String(health.status).slice(0, 32) || 'unhealthy';
    } catch (error) {
      logger().error('checkHealth failed', { error: messageOf(error) });
      return 'unhealthy';
    }
  }

  #components(): Record<string, unknown> {
    const { status, intake } = this.#ports;
    return { nats: status.linkState, topics: intake.topics, in_flight: intake.inFlight };
  }
}
