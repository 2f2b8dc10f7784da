/** What Prometheus reads at `/metrics`. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Measures } from '../kernel/measures.ts';

export function createMeasures(): Measures {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'opmas_' });
  const registers = [registry];
  const calls = new Histogram({
    name: 'opmas_call_seconds',
    help: 'API calls by operation and outcome',
    labelNames: ['operation', 'outcome'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  });
  const findings = new Counter({
    name: 'opmas_findings_recorded_total',
    help: 'Findings stored, each once',
    registers,
  });
  const invalid = new Counter({
    name: 'opmas_messages_invalid_total',
    help: 'Messages refused by kind: not valid, or not from whom they claim',
    labelNames: ['kind'],
    registers,
  });
  const agents = new Gauge({
    name: 'opmas_agents',
    help: 'Agents by status',
    labelNames: ['status'],
    registers,
  });
  const clients = new Gauge({
    name: 'opmas_feed_clients',
    help: 'WebSocket connections',
    registers,
  });
  const posted = new Gauge({
    name: 'opmas_events_posted',
    help: 'Events of POST /events by state: acked and refused since the start, queued now',
    labelNames: ['state'],
    registers,
  });
  const collector = new Gauge({
    name: 'opmas_collector',
    help: 'Counters of the syslog collectors as they report them',
    labelNames: ['host', 'counter'],
    registers,
  });
  return {
    call: (operation, outcome, seconds) => calls.observe({ operation, outcome }, seconds),
    findings: (count) => findings.inc(count),
    invalid: (kind) => invalid.inc({ kind }),
    agents: (counts) => {
      agents.reset();
      for (const { status, n } of counts) agents.set({ status }, Number(n));
    },
    feedClients: (count) => clients.set(count),
    collector: (host, stats) => {
      for (const [counter, value] of Object.entries(stats)) {
        if (typeof value === 'number') collector.set({ host, counter }, value);
      }
    },
    events: (stats) => {
      for (const state of ['acked', 'queued', 'refused'] as const) {
        posted.set({ state }, stats[state]);
      }
    },
    text: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
