/** What the runtime itself counts of every agent. */
import type { Metrics } from '../metrics.ts';

export function registerOwnMetrics(metrics: Metrics): void {
  metrics.registerCounter('events_processed', 'Events processed');
  metrics.registerCounter('errors', 'Errors while processing');
  metrics.registerCounter('findings', 'Findings stored by the broker');
  metrics.registerCounter('events_dead_lettered', 'Events given up');
  metrics.registerCounter('events_invalid', 'Parts of messages that are no events');
  metrics.registerCounter('events_redelivered', 'Messages that came again');
  metrics.registerHistogram('processing_time', 'Seconds per event');
  metrics.registerGauge('active_rules', 'Rules in force');
}
