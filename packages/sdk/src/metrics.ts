/** Counters, gauges and histograms of one agent instance, as `opmas.metrics.<agent_name>` carries them. */
import type { Histogram, MetricValue } from '@opmas/protocol';
import { AgentError } from './errors.ts';
import { limits } from './limits.ts';

/** Upper bounds of `processing_time` and of any histogram without its own, in seconds. */
export const DEFAULT_BOUNDS: readonly number[] = [
  0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

type Kind = 'counter' | 'gauge' | 'histogram';
type Metric =
  | { kind: 'counter' | 'gauge'; help: string; value: number }
  | { kind: 'histogram'; help: string; value: Histogram };

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/;

export class Metrics {
  readonly #metrics = new Map<string, Metric>();
  readonly #onTouch: (name: string) => void;

  /** `onTouch` hears the name of every metric that is written. */
  constructor(onTouch: (name: string) => void = () => {}) {
    this.#onTouch = onTouch;
  }

  /** A number that only grows, cumulative since the instance started. Registering twice is harmless. */
  registerCounter(name: string, help = ''): void {
    this.#register(name, { kind: 'counter', help, value: 0 });
  }

  /** A number that goes up and down. */
  registerGauge(name: string, help = ''): void {
    this.#register(name, { kind: 'gauge', help, value: 0 });
  }

  /** A distribution. `bounds` ascend (at most 64); observations above the last one count as +Inf. */
  registerHistogram(name: string, help = '', bounds: readonly number[] = DEFAULT_BOUNDS): void {
    let last = Number.NEGATIVE_INFINITY;
    const ascending = bounds.every((bound) => {
      const above = Number.isFinite(bound) && bound > last;
      last = bound;
      return above;
    });
    if (bounds.length === 0 || bounds.length > 64 || !ascending) {
      throw new AgentError(
        'OPMAS_INVALID_REQUEST',
        `histogram ${name}: bounds must be 1 to 64 ascending numbers`,
      );
    }
    const buckets = Array.from({ length: bounds.length + 1 }, () => 0);
    const value = { count: 0, sum: 0, bounds: [...bounds], buckets };
    this.#register(name, { kind: 'histogram', help, value });
  }

  /** Adds `by` (0 or more) to a counter, making it on first use. */
  increment(name: string, by = 1): void {
    if (!(by >= 0 && Number.isFinite(by))) {
      throw new AgentError(
        'OPMAS_INVALID_REQUEST',
        `counter ${name} cannot grow by ${by}: give 0 or more, or use a gauge`,
      );
    }
    const metric = this.#of(name, 'counter');
    if (metric.kind !== 'histogram') metric.value += by;
    this.#onTouch(name);
  }

  /** Sets a gauge, making it on first use. */
  set(name: string, value: number): void {
    requireNumber(name, value);
    const metric = this.#of(name, 'gauge');
    if (metric.kind !== 'histogram') metric.value = value;
    this.#onTouch(name);
  }

  /** Records `value` in a histogram, making it on first use; `times` equal observations at once. */
  observe(name: string, value: number, times = 1): void {
    requireNumber(name, value);
    const metric = this.#of(name, 'histogram');
    if (metric.kind !== 'histogram') return;
    const histogram = metric.value;
    const found = histogram.bounds.findIndex((bound) => value <= bound);
    const at = found < 0 ? histogram.bounds.length : found;
    histogram.buckets[at] = (histogram.buckets[at] ?? 0) + times;
    histogram.count += times;
    histogram.sum += value * times;
    this.#onTouch(name);
  }

  /** The present value, 0 for a name nobody wrote; a histogram comes as a copy. */
  get(name: string): MetricValue {
    const metric = this.#metrics.get(name);
    return metric === undefined ? 0 : structuredClone(metric.value);
  }

  /** All values by name, as they are sent. */
  snapshot(): Record<string, MetricValue> {
    const result: Record<string, MetricValue> = {};
    for (const [name, metric] of this.#metrics) result[name] = structuredClone(metric.value);
    return result;
  }

  #of(name: string, kind: Kind): Metric {
    let metric = this.#metrics.get(name);
    if (metric === undefined) {
      if (kind === 'counter') this.registerCounter(name);
      else if (kind === 'gauge') this.registerGauge(name);
      else this.registerHistogram(name);
      metric = this.#metrics.get(name);
    }
    if (metric === undefined || metric.kind !== kind) {
      throw new AgentError(
        'OPMAS_INVALID_REQUEST',
        `metric ${name} is a ${metric?.kind ?? 'nothing'}, not a ${kind}`,
      );
    }
    return metric;
  }

  #register(name: string, metric: Metric): void {
    const present = this.#metrics.get(name);
    if (present !== undefined) {
      if (present.kind === metric.kind) return;
      throw new AgentError(
        'OPMAS_INVALID_REQUEST',
        `metric ${name} is registered as a ${present.kind} already; give this ${metric.kind} another name`,
      );
    }
    if (!NAME.test(name)) {
      throw new AgentError(
        'OPMAS_INVALID_REQUEST',
        `${JSON.stringify(name.slice(0, 80))} is no metric name: letters, digits and _, not starting with a digit`,
      );
    }
    if (this.#metrics.size >= limits.metrics) {
      throw new AgentError(
        'OPMAS_RESOURCE_EXHAUSTED',
        `an agent has at most ${limits.metrics} metrics; ${name} is one too many (do not put values into names)`,
      );
    }
    this.#metrics.set(name, metric);
  }
}

function requireNumber(name: string, value: number): void {
  if (!Number.isFinite(value)) {
    throw new AgentError(
      'OPMAS_INVALID_REQUEST',
      `metric ${name}: ${value} is not a finite number`,
    );
  }
}
