/** What the runtime itself counts of every agent. */
import type { Metrics } from '../metrics.ts';

export function registerOwnMetrics(metrics: Metrics): void {
  metrics.registerCounter('events_processed', 'Events processed');
  metrics.registerCounter('errors', 'Errors while processing');
  metrics.registerCounter('findings', 'Findings stored by the broker');
  metrics.registerCounter('events_dead_lettered', 'Events given up');
  metrics.registerCounter('events_invalid', 'Parts of messages that are no events');
  metrics.registerCounter('events_unread', 'Events that no rule can match, not read');
  metrics.registerCounter('events_redelivered', 'Messages that came again');
  metrics.registerHistogram('processing_time', 'Seconds per event');
  metrics.registerGauge('active_rules', 'Rules in force');
  metrics.registerGauge('window_keys', 'Keys that rules count by');
  metrics.registerGauge('window_entries', 'Events remembered for rules that count over time');
  metrics.registerGauge('window_evictions', 'Windows of rules that gave way since the start');
}
