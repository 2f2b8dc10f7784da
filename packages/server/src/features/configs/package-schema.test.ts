/** Schemas that packages bring: which are admitted, and what they hold a configuration to. */
import { CONFIG_DEFAULTS, check, isPlainObject } from '@opmas/protocol';
import { describe, expect, test } from 'vitest';
import { admitSchema, packageSchema, readPackageSchema, wholeSchema } from './package-schema.ts';

const CAMERA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://example.org/camera',
  type: 'object',
  properties: {
    channel: { type: 'integer', minimum: 1, maximum: 165 },
    site: { type: 'string', pattern: '^[a-z]{1,16}$' },
    mode: { enum: ['active', 'passive'] },
    cameras: {
      type: 'array',
      maxItems: 2,
      items: { type: 'object', properties: { host: { type: 'string' } }, required: ['host'] },
    },
    nats: { type: 'object', properties: { tunnel: { type: 'string' } } },
  },
};

function admitted(schema: unknown = CAMERA) {
  const result = admitSchema(schema);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return packageSchema(result.document);
}
const faults = (own: object) => admitted().faultsOf({ ...CONFIG_DEFAULTS, ...own });

describe('a configuration under the schema of its package', () => {
  test('holds when it says nothing, and when it says what the schema knows', () => {
    expect(faults({})).toEqual([]);
    expect(
      faults({ channel: 11, site: 'berlin', mode: 'active', cameras: [{ host: 'a' }] }),
    ).toEqual([]);
    expect(faults({ nats: { url: 'nats://x', tunnel: 'y' } })).toEqual([]);
    expect(faults({ rules_enabled: { a: false } })).toEqual([]);
  });

  test.each([
    ['a number out of range', { channel: 166 }, 'channel'],
    ['another type', { channel: 'eleven' }, 'channel'],
    ['a text that does not match', { site: 'Berlin' }, 'site'],
    ['a value not listed', { mode: 'off' }, 'mode'],
    ['too many items', { cameras: [{ host: 'a' }, { host: 'b' }, { host: 'c' }] }, 'cameras'],
    ['a key missing inside', { cameras: [{}] }, 'cameras.0'],
  ])('%s is refused with its path', (_, own, path) => {
    expect(faults(own).map((fault) => fault.path)).toContain(path);
  });

  test.each([
    ['at the top', { chanel: 1 }, 'chanel'],
    ['inside an object', { cameras: [{ host: 'a', hots: 'b' }] }, 'hots'],
    ['inside a section', { processing: { batch_size: 1, batchsize: 2 } }, 'processing'],
  ])('an unknown key %s is refused by name', (_, own, name) => {
    expect(JSON.stringify(faults(own))).toContain(name);
  });

  test('an expression that would backtrack for ever is matched in time', () => {
    const { faultsOf } = admitted({ properties: { a: { type: 'string', pattern: '^(a+)+$' } } });
    const hostile = `${'a'.repeat(10_000)}b`;
    expect(faultsOf({ ...CONFIG_DEFAULTS, a: hostile })).toMatchObject([{ path: 'a' }]);
    expect(faultsOf({ ...CONFIG_DEFAULTS, a: 'aaa' })).toEqual([]);
  });

  test('is open only where the schema says so', () => {
    const open = admitted({ ...CAMERA, additionalProperties: true });
    expect(open.faultsOf({ ...CONFIG_DEFAULTS, anything: 1 })).toEqual([]);
  });
});

describe('a schema is refused', () => {
  test.each<[string, unknown, string]>([
    ['that is no object', [], ''],
    ['of another type', { type: 'array' }, 'type'],
    ['with a reference', { properties: { a: { $ref: '#' } } }, 'properties.a.$ref'],
    ['with a type nobody knows', { properties: { a: { type: 'int' } } }, 'properties.a.type'],
    [
      'with an expression that may hang',
      { properties: { a: { pattern: '(a{1,99}){1,99}$' } } },
      'properties.a.pattern',
    ],
    ['with text for a number', { properties: { a: { minimum: '1' } } }, 'properties.a.minimum'],
    ['that describes what OPMAS does', { properties: { rules: {} } }, 'properties.rules'],
    ['with a key that is none', { properties: { 'a";b': {} } }, 'properties'],
    [
      'with an expression among choices',
      { properties: { a: { anyOf: [{ pattern: 'a' }] } } },
      'properties.a.anyOf.0.pattern',
    ],
    ['with a list for a value', { properties: { a: { const: [1] } } }, 'properties.a.const'],
  ])('%s', (_, schema, path) => {
    const result = admitSchema(schema);
    expect(result.ok ? [] : result.errors.map((fault) => fault.path)).toContain(path);
  });

  test('that is too deep or too wide', () => {
    let deep: object = {};
    for (let level = 0; level < 12; level += 1) deep = { properties: { a: deep } };
    expect(admitSchema(deep).ok).toBe(false);
    const wide = Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`k${n}`, {}]));
    expect(admitSchema({ properties: wide }).ok).toBe(false);
  });

  test('that is no JSON, and nothing is thrown', () => {
    expect(readPackageSchema(Buffer.from('{')).ok).toBe(false);
    expect(readPackageSchema(Buffer.from([0xff, 0xfe])).ok).toBe(false);
    expect(readPackageSchema(Buffer.from('{}')).ok).toBe(true);
  });
});

describe('the whole as one schema', () => {
  test('completes own and standard keys, asks for none, and takes $schema', () => {
    const { document } = admitted();
    const whole = wholeSchema(document, 'Camera');
    const keys = isPlainObject(whole['properties']) ? Object.keys(whole['properties']) : [];
    expect(keys).toEqual(expect.arrayContaining(['$schema', 'channel', 'processing', 'rules']));
    const ok = {
      $schema: 'x',
      channel: 3,
      monitoring: { log_level: 'DEBUG' },
      nats: { tunnel: '' },
    };
    expect(check(whole, ok)).toBe(true);
    expect(check(whole, {})).toBe(true);
    for (const bad of [{ chanel: 1 }, { processing: { batch_size: 0 } }, { nats: { tunel: '' } }]) {
      expect([bad, check(whole, bad)]).toEqual([bad, false]);
    }
    expect(check(wholeSchema(null, 'Camera'), { anything: 1 })).toBe(true);
  });
});
