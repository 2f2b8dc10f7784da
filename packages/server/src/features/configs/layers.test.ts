import { CONFIG_DEFAULTS } from '@opmas/protocol';
import { describe, expect, test } from 'vitest';
import {
  configHash,
  effectiveConfig,
  environmentFaults,
  environmentLayer,
  origins,
} from './layers.ts';

const URL = 'nats://broker:4222';
const NONE = { package: {}, environment: {}, database: {} };

describe('the environment layer', () => {
  test.each([
    ['PROCESSING__BATCH_SIZE', '50', { processing: { batch_size: 50 } }],
    ['BATCH_SIZE', '50', { processing: { batch_size: 50 } }],
    ['MONITORING__LOG_LEVEL', 'warn', { monitoring: { log_level: 'WARNING' } }],
    ['METRICS_ENABLED', 'false', { monitoring: { metrics_enabled: false } }],
    ['SUBSCRIBED_TOPICS', '["logs.wifi"]', { subscribed_topics: ['logs.wifi'] }],
    ['SITE__NAME', '10.0.0.1', { site: { name: '10.0.0.1' } }],
    ['SITE__NAME', '{site', { site: { name: '{site' } }],
    ['CONSTRUCTOR__PROTOTYPE__X', '1', { constructor: { prototype: { x: 1 } } }],
  ])('reads %s=%s', (name, value, expected) => {
    expect(environmentLayer({ [`OPMAS_AGENT_${name}`]: value }, URL)).toEqual({
      nats: { url: URL },
      ...expected,
    });
  });

  test('reads nothing else, and touches no prototype', () => {
    const layer = environmentLayer(
      {
        OPMAS_LOG_LEVEL: 'debug',
        OPMAS_AGENT___proto____X: '1',
        OPMAS_AGENT_: '1',
        OPMAS_AGENT_A__: '1',
      },
      URL,
    );
    expect(layer).toEqual({ nats: { url: URL } });
    expect(Reflect.get({}, 'x')).toBeUndefined();
  });

  test('its faults are known before any agent starts', () => {
    expect(environmentFaults({}, URL)).toEqual([]);
    expect(environmentFaults({ OPMAS_AGENT_BATCH_SIZE: 'many' }, URL)).toMatchObject([
      { path: 'processing.batch_size' },
    ]);
  });
});

describe('what is in force', () => {
  test('later layers win: defaults < package < environment < database', () => {
    const layers = {
      package: { findings_topic: 'findings.a', own: { p: 1, q: 1 } },
      environment: { processing: { batch_size: 5 }, own: { q: 2, r: 2 } },
      database: { own: { r: 3 } },
    };
    const result = effectiveConfig(layers);
    expect(result).toMatchObject({
      ok: true,
      value: {
        config: {
          findings_topic: 'findings.a',
          processing: { batch_size: 5, max_retries: 3 },
          own: { p: 1, q: 2, r: 3 },
        },
      },
    });
    expect(origins(layers)).toMatchObject({
      'processing.batch_size': 'environment',
      'processing.max_retries': 'default',
      findings_topic: 'package',
      'own.p': 'package',
      'own.q': 'environment',
      'own.r': 'database',
    });
  });

  test('every fault is named with its path', () => {
    const result = effectiveConfig({
      ...NONE,
      database: {
        processing: { batch_size: 0 },
        rules: [{ id: 'x' }],
        subscribed_topics: ['logs.*'],
      },
    });
    const paths = result.ok ? [] : result.errors.map(({ path }) => path);
    expect(paths).toContain('processing.batch_size');
    expect(paths.some((path) => path.startsWith('rules.0'))).toBe(true);
    expect(paths.some((path) => path.startsWith('subscribed_topics'))).toBe(true);
  });

  test('a hash names the content, not the order of its keys', () => {
    expect(configHash({ a: 1, b: { c: 2, d: 3 } })).toBe(configHash({ b: { d: 3, c: 2 }, a: 1 }));
    expect(configHash({ a: 1 })).not.toBe(configHash({ a: 2 }));
    expect(configHash(CONFIG_DEFAULTS)).toMatch(/^[0-9a-f]{64}$/);
  });
});
