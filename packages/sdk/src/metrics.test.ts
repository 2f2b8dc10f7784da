import { Histogram, parse } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { AgentError } from './errors.ts';
import { limits } from './limits.ts';
import { Metrics } from './metrics.ts';

test('counters add up, gauges are set, histograms count by upper bound', () => {
  const metrics = new Metrics();
  metrics.registerHistogram('seconds', 'help', [0.1, 1]);
  metrics.increment('events');
  metrics.increment('events', 4);
  metrics.set('rules', 7);
  for (const value of [0.05, 0.1, 0.5, 3]) metrics.observe('seconds', value);
  const histogram = { count: 4, sum: 3.65, bounds: [0.1, 1], buckets: [2, 1, 1] };
  expect(metrics.snapshot()).toEqual({ seconds: histogram, events: 5, rules: 7 });
  expect(parse(Histogram, metrics.get('seconds')).ok).toBe(true);
  expect(metrics.get('nobody_wrote_this')).toBe(0);
});

test('registering twice is harmless, as another kind it is refused', () => {
  const metrics = new Metrics();
  metrics.registerCounter('a');
  metrics.increment('a');
  metrics.registerCounter('a');
  expect(metrics.get('a')).toBe(1);
  expect(() => metrics.registerGauge('a')).toThrow(/registered as a counter/);
  expect(() => metrics.observe('a', 1)).toThrow(AgentError);
});

test('what is no number, no name, or one too many is refused', () => {
  const metrics = new Metrics();
  expect(() => metrics.increment('a', -1)).toThrow(AgentError);
  expect(() => metrics.set('a', Number.NaN)).toThrow(AgentError);
  expect(() => metrics.increment('bad name')).toThrow(/no metric name/);
  expect(() => metrics.registerHistogram('h', '', [2, 1])).toThrow(/ascending/);
  for (let i = 0; i < limits.metrics; i += 1) metrics.increment(`m${i}`);
  expect(() => metrics.increment('one_more')).toThrow(/at most/);
});

test('a snapshot does not change afterwards', () => {
  const metrics = new Metrics();
  metrics.observe('h', 1);
  const before = metrics.snapshot();
  metrics.observe('h', 1);
  expect(before['h']).toMatchObject({ count: 1 });
});
