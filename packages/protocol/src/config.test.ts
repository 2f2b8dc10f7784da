/** The specification's spellings become one form, layers merge predictably, and no document does harm. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AgentConfig,
  CONFIG_DEFAULTS,
  type ConfigLayer,
  canonicalConfig,
  canonicalJson,
  mergeLayers,
} from './config.ts';
import { check, faultsOf } from './validate.ts';

const ALIASES: readonly (readonly [alias: string, path: readonly string[], value: unknown])[] = [
  ['nats_url', ['nats', 'url'], 'nats://broker:4222'],
  ['log_level', ['monitoring', 'log_level'], 'DEBUG'],
  ['metrics_enabled', ['monitoring', 'metrics_enabled'], false],
  ['metrics_interval', ['monitoring', 'metrics_interval'], 17],
  ['heartbeat_interval', ['monitoring', 'heartbeat_interval'], 7],
  ['batch_size', ['processing', 'batch_size'], 9],
  ['max_retries', ['processing', 'max_retries'], 1],
  ['timeout', ['processing', 'timeout'], 2.5],
  ['RULES', ['rules'], []],
  ['SUBSCRIBED_TOPICS', ['subscribed_topics'], ['logs.wifi']],
  ['FINDINGS_TOPIC', ['findings_topic'], 'findings.wifi'],
  ['DEFAULT_SUBSCRIBED_TOPICS', ['subscribed_topics'], ['logs.auth']],
  ['DEFAULT_FINDINGS_TOPIC', ['findings_topic'], 'findings.auth'],
];

const at = (document: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, key) => Reflect.get(Object(value), key), document);
const nested = (path: readonly string[], value: unknown): ConfigLayer =>
  path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as ConfigLayer;

const anyDocument = fc.dictionary(
  fc.oneof(
    fc.string(),
    fc.constantFrom(
      '__proto__',
      'constructor',
      'agent_id',
      'nats',
      'processing',
      'monitoring',
      'rules',
    ),
    fc.constantFrom(...ALIASES.map(([alias]) => alias)),
  ),
  fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom('url', 'log_level', '__proto__', 'x'), fc.jsonValue()),
  ),
) as fc.Arbitrary<ConfigLayer>;

describe('aliases', () => {
  test.each(ALIASES)(
    '%s is understood, in any case, and answered canonical',
    (alias, path, value) => {
      for (const spelling of [alias, alias.toLowerCase(), alias.toUpperCase()]) {
        const canonical = canonicalConfig({ [spelling]: value });
        expect(canonical).toEqual(nested(path, value));
        const merged = mergeLayers(CONFIG_DEFAULTS as unknown as ConfigLayer, canonical);
        expect(faultsOf(AgentConfig, merged)).toEqual([]);
      }
    },
  );

  test.each(ALIASES)('a canonical key wins over %s, wherever it stands', (alias, path, value) => {
    if (alias.toLowerCase() === path[0]) return;
    const canonical = nested(path, 'canonical');
    expect(at(canonicalConfig({ [alias]: value, ...canonical }), path)).not.toEqual(value);
    expect(at(canonicalConfig({ ...canonical, [alias]: value }), path)).not.toEqual(value);
  });

  test('a canonical section of a wrong type is kept for the validator, no alias covers it', () => {
    for (const document of [
      { processing: 5, batch_size: 3 },
      { batch_size: 3, processing: 5 },
    ]) {
      expect(canonicalConfig(document)).toEqual({ processing: 5 });
    }
  });

  test('levels are upper case, WARN is WARNING', () => {
    expect(canonicalConfig({ LOG_LEVEL: 'warn' })).toEqual({
      monitoring: { log_level: 'WARNING' },
    });
    expect(canonicalConfig({ monitoring: { log_level: 'info' } })).toEqual({
      monitoring: { log_level: 'INFO' },
    });
  });

  test('identity is no configuration', () => {
    expect(
      canonicalConfig({ agent_id: 'a', nats: { url: 'u', credentials: { jwt: 'j' } } }),
    ).toEqual({
      nats: { url: 'u' },
    });
  });

  test('the form is stable: a canonical document stays as it is', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        const once = canonicalConfig(document);
        expect(canonicalConfig(once)).toEqual(once);
      }),
    );
  });
});

describe('hostile documents', () => {
  test('no document touches a prototype', () => {
    const text =
      '{"__proto__":{"p":1},"nats":{"__proto__":{"p":1}},"x":{"__proto__":{"p":1}},"constructor":{"prototype":{"p":1}}}';
    const canonical = canonicalConfig(JSON.parse(text) as ConfigLayer);
    const merged = mergeLayers(CONFIG_DEFAULTS as unknown as ConfigLayer, canonical, canonical);
    for (const value of [{}, canonical, merged, canonical['nats'], merged['nats'], merged['x']]) {
      expect(Reflect.get(Object(value), 'p')).toBeUndefined();
    }
    expect(Object.getPrototypeOf(canonical['nats'])).toBe(Object.prototype);
  });

  test('nothing throws, and the arguments are not changed', () => {
    fc.assert(
      fc.property(anyDocument, anyDocument, (one, two) => {
        const before = canonicalJson([one, two]);
        const merged = mergeLayers(canonicalConfig(one), canonicalConfig(two));
        faultsOf(AgentConfig, merged);
        expect(canonicalJson([one, two])).toBe(before);
      }),
    );
  });
});

describe('layers', () => {
  /** Layers that agree on what is a section and what is a value, as valid ones do. */
  const layer = fc.record(
    {
      nats: fc.record({ url: fc.string() }, { requiredKeys: [] }),
      processing: fc.record(
        { batch_size: fc.nat(), max_retries: fc.nat(), timeout: fc.nat() },
        { requiredKeys: [] },
      ),
      rules: fc.array(fc.jsonValue()),
      own: fc.record(
        { a: fc.integer(), deep: fc.record({ b: fc.integer() }) },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<ConfigLayer>;

  test('merging is associative, and an empty layer changes nothing', () => {
    fc.assert(
      fc.property(layer, layer, layer, (a, b, c) => {
        const all = mergeLayers(a, b, c);
        expect(mergeLayers(mergeLayers(a, b), c)).toEqual(all);
        expect(mergeLayers(a, mergeLayers(b, c))).toEqual(all);
        expect(mergeLayers({}, all, {})).toEqual(all);
        expect(mergeLayers(all, all)).toEqual(all);
      }),
    );
  });

  test('the later layer wins, lists are replaced whole, sections by key', () => {
    expect(
      mergeLayers({ rules: [1, 2], own: { a: 1, b: 2 }, x: 1 }, { rules: [3], own: { b: 3 } }),
    ).toEqual({ rules: [3], own: { a: 1, b: 3 }, x: 1 });
  });

  test('the result shares nothing with its layers', () => {
    const rules = [{ id: 'r' }];
    const merged = mergeLayers({ rules });
    rules[0] = { id: 'changed' };
    expect(merged['rules']).toEqual([{ id: 'r' }]);
  });

  test('the defaults are valid by themselves', () => {
    expect(check(AgentConfig, CONFIG_DEFAULTS)).toBe(true);
  });
});

describe('canonical JSON', () => {
  test('is JSON of an equal value, whatever the order of the keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });

  test('leaves out what is undefined, as JSON does', () => {
    expect(canonicalJson({ b: undefined, a: [undefined, 1] })).toBe('{"a":[null,1]}');
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}
