/** The messages an agent sends of itself, from what is known of it. */
import type {
  EventSource,
  Heartbeat,
  MetricsReport,
  MetricValue,
  RuleUsage,
} from '@opmas/protocol';
import { type Clock, isoTime } from '../clock.ts';
import type { Config } from '../config.ts';
import type { Metrics } from '../metrics.ts';

/** What every report says of its sender. */
export interface Sender {
  agentId: string;
  instanceId: string;
  clock: Clock;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

/** Seconds since the instance was made. */
export function uptimeOf(sender: Sender): number {
  return (sender.clock.now() - sender.startedAt) / 1000;
}

export function heartbeatOf(sender: Sender, status: string, config: Config): Heartbeat {
  return {
    agent_id: sender.agentId,
    status,
    timestamp: isoTime(sender.clock),
    uptime: uptimeOf(sender),
    instance_id: sender.instanceId,
    interval: config.value.monitoring.heartbeat_interval,
    config_hash: config.hash,
    ...(config.version === undefined ? {} : { config_version: config.version }),
  };
}

export function metricsOf(
  sender: Sender,
  metrics: Record<string, MetricValue>,
  {
    rules,
    sources,
    partialAt,
  }: { rules: RuleUsage[]; sources: EventSource[]; partialAt: string | undefined },
): MetricsReport {
  return {
    agent_id: sender.agentId,
    timestamp: isoTime(sender.clock),
    instance_id: sender.instanceId,
    metrics,
    ...(rules.length === 0 ? {} : { rules }),
    sources,
    ...(partialAt === undefined ? {} : { sources_partial_at: partialAt }),
  };
}

/** The process's own use, as gauges. */
export function measureProcess(metrics: Metrics): void {
  const { user, system } = process.cpuUsage();
  metrics.set('memory_rss_bytes', process.memoryUsage.rss());
  metrics.set('cpu_seconds', (user + system) / 1e6);
}
