// Every value is shown once, with the layer it comes from.
import { expect, test } from 'vitest';
import { inShort, keyRows, layerRows, matchingKeys } from './keys.ts';

const layer = { version: 3, author: 'anna', reason: null, created_at: '', pinned: false };

test('sections are opened; lists, secrets and empty sections are values', () => {
  const config = {
    processing: { batch_size: 5, limits: {} },
    rules: [{ id: 'a' }],
    wifi: { key: { $secret: '********' } },
  };
  const origins = { 'processing.batch_size': 'fleet', rules: 'package', constructor: 'x' };
  expect(keyRows(config, origins)).toMatchObject([
    { path: 'processing.batch_size', value: 5, origin: 'fleet' },
    { path: 'processing.limits', value: {}, origin: '' },
    { path: 'rules', value: [{ id: 'a' }], origin: 'package' },
    { path: 'wifi.key', value: { $secret: '********' }, origin: '' },
  ]);
  expect(keyRows({ toString: 1 }, {})).toMatchObject([{ path: 'toString', value: 1, origin: '' }]);
  expect(keyRows({}, {})).toEqual([]);
});

test('keys that hold a dot are rows of their own, though their paths read alike', () => {
  const rows = keyRows({ own: { 'a.b': 1, a: { b: 2 }, '': 3 } }, {});
  expect(rows.map(({ path, value }) => [path, value])).toEqual([
    ['own.', 3],
    ['own.a.b', 1],
    ['own.a.b', 2],
  ]);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(3);
});

test('layers stand in the order in which they win, groups as the server orders them', () => {
  const rows = layerRows({
    agent_id: 'a',
    version: 3,
    hash: '',
    config: {},
    origins: { a: 'fleet', b: 'fleet', c: 'group:berlin', d: 'newer' },
    layers: {
      'environment:staging': layer,
      fleet: layer,
      'group:zoo': layer,
      'group:berlin': layer,
      agent: layer,
    },
  });
  expect(rows.map(({ label }) => label)).toEqual([
    'default',
    'environment:staging',
    'package',
    'environment',
    'fleet',
    'group:zoo',
    'group:berlin',
    'agent',
    'runtime',
    'newer',
  ]);
  expect(rows.find(({ label }) => label === 'fleet')).toEqual({
    label: 'fleet',
    stored: layer,
    wins: 2,
  });
  expect(rows.find(({ label }) => label === 'runtime')).toMatchObject({
    stored: undefined,
    wins: 0,
  });
});

test('a long value is told in short', () => {
  expect(inShort('x', 20)).toEqual({ short: '"x"', isWhole: true });
  expect(
    inShort(
      Array.from({ length: 12 }, () => 'rule'),
      20,
    ),
  ).toEqual({
    short: '[ 12 ]',
    isWhole: false,
  });
  expect(inShort('y'.repeat(50), 20).short).toHaveLength(21);
  expect(inShort(undefined, 20)).toEqual({ short: '', isWhole: true });
});

test('values are found by key, content and layer', () => {
  const rows = keyRows(
    { nats: { url: 'nats://Hub' }, processing: { batch_size: 5 } },
    { 'nats.url': 'package', 'processing.batch_size': 'fleet' },
  );
  const found = (q: string, from: string[] = []) =>
    matchingKeys(rows, q, from).map(({ path }) => path);
  expect(found('')).toHaveLength(2);
  expect(found(' hub ')).toEqual(['nats.url']);
  expect(found('batch')).toEqual(['processing.batch_size']);
  expect(found('', ['fleet'])).toEqual(['processing.batch_size']);
  expect(found('nats', ['fleet'])).toEqual([]);
});
