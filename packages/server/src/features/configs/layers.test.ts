import { createHash } from 'node:crypto';
import {
  CONFIG_DEFAULTS,
  type ConfigLayer,
  canonicalJson,
  isPlainObject,
  mergeLayers,
} from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  configHash,
  effectiveConfig,
  environmentFaults,
  environmentLayer,
  origins,
} from './layers.ts';

const URL = 'nats://broker:4222';

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
  test('later layers win, key by key, and every value has an origin', () => {
    const layers = [
      { label: 'package', document: { findings_topic: 'findings.a', own: { p: 1, q: 1 } } },
      { label: 'environment', document: { processing: { batch_size: 5 }, own: { q: 2, r: 2 } } },
      { label: 'agent', document: { own: { r: 3 } } },
    ];
    const result = effectiveConfig(layers.map(({ document }) => document));
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
      'own.r': 'agent',
    });
  });

  test('an origin goes with the value that replaced it', () => {
    const of = (...documents: ConfigLayer[]) => {
      const all = origins(documents.map((document, at) => ({ label: String(at), document })));
      return Object.fromEntries(Object.entries(all).filter(([path]) => path.startsWith('own')));
    };
    expect(of({ own: { a: 1, b: 2 } }, { own: 3 })).toEqual({ own: '1' });
    expect(of({ own: 3 }, { own: { a: 1 } })).toEqual({ 'own.a': '1' });
    expect(of({ own: {} }, { own: { a: 1 } })).toEqual({ 'own.a': '1' });
    expect(of({ own: { a: 1 } }, { own: {} })).toEqual({ 'own.a': '0' });
    expect(of({ own: { ab: 1, a: { c: 1 } } }, { own: { a: 2 } })).toEqual({
      'own.ab': '0',
      'own.a': '1',
    });
  });

  test('origins of a document as large as a body are told, however its keys change', () => {
    const keys = Array.from({ length: 40_000 }, (_, at) => `k${at}`);
    const of = (value: unknown) => Object.fromEntries(keys.map((key) => [key, value]));
    const documents = [of({ a: 1 }), of(2), of({ b: 3 })];
    const all = origins(documents.map((document, at) => ({ label: String(at), document })));
    expect(all['k0.b']).toBe('2');
    expect(Object.keys(all).filter((path) => path.startsWith('k'))).toEqual(
      keys.map((key) => `${key}.b`),
    );
  });

  test('each leaf of what comes out has one origin, whatever the layers hold', () => {
    const value = fc.oneof(
      fc.integer({ min: 0, max: 2 }),
      fc.constantFrom([], [1], {}),
      fc.dictionary(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 2 })),
    );
    const document = fc.dictionary(fc.constantFrom('x', 'y'), value) as fc.Arbitrary<ConfigLayer>;
    fc.assert(
      fc.property(fc.array(document, { maxLength: 4 }), (documents) => {
        const result = effectiveConfig(documents);
        if (!result.ok) throw new Error(JSON.stringify(result.errors));
        const { config } = result.value;
        expect(config).toEqual(
          mergeLayers(CONFIG_DEFAULTS as unknown as ConfigLayer, ...documents),
        );
        expect(configHash(config)).toBe(
          createHash('sha256').update(canonicalJson(config)).digest('hex'),
        );
        const layers = documents.map((each, at) => ({ label: String(at), document: each }));
        expect(Object.keys(origins(layers)).toSorted()).toEqual(leavesOf(config).toSorted());
      }),
    );
  });

  test('every fault is named with its path', () => {
    const result = effectiveConfig([
      {
        processing: { batch_size: 0 },
        rules: [{ id: 'x' }],
        subscribed_topics: ['logs.*'],
      },
    ]);
    const paths = result.ok ? [] : result.errors.map(({ path }) => path);
    expect(paths).toContain('processing.batch_size');
    expect(paths.some((path) => path.startsWith('rules.0'))).toBe(true);
    expect(paths.some((path) => path.startsWith('subscribed_topics'))).toBe(true);
  });

  test('a rule that any layer switched off is not told', () => {
    const rule = (id: string) => ({
      id,
      name: id,
      pattern: 'x',
      severity: 'info',
      action: 'alert',
    });
    const rulesOf = (...layers: ConfigLayer[]) => {
      const result = effectiveConfig(layers);
      if (!result.ok) throw new Error(JSON.stringify(result.errors));
      return result.value.config.rules.map(({ id }) => id);
    };
    const rules = { rules: [rule('a'), rule('b')] };
    expect(rulesOf(rules, { rules_enabled: { a: false, none: false } })).toEqual(['b']);
    expect(rulesOf(rules, { rules_enabled: { a: false } }, { rules_enabled: { a: true } })).toEqual(
      ['a', 'b'],
    );
    expect(effectiveConfig([rules, { rules_enabled: { a: 'no' } }]).ok).toBe(false);
    // A list that was valid once is not looked at again; a switch that is not one still is.
    expect(effectiveConfig([rules, { rules_enabled: { a: 0 } }]).ok).toBe(false);
  });

  test('a hash names the content, not the order of its keys', () => {
    expect(configHash({ a: 1, b: { c: 2, d: 3 } })).toBe(configHash({ b: { d: 3, c: 2 }, a: 1 }));
    expect(configHash({ a: 1 })).not.toBe(configHash({ a: 2 }));
    expect(configHash(CONFIG_DEFAULTS)).toMatch(/^[0-9a-f]{64}$/);
  });
});

function leavesOf(value: unknown, path = ''): string[] {
  if (!isPlainObject(value) || (path !== '' && Object.keys(value).length === 0)) return [path];
  return Object.entries(value).flatMap(([key, inner]) =>
    leavesOf(inner, path === '' ? key : `${path}.${key}`),
  );
}
