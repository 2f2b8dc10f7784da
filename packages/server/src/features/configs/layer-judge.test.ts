import type { ConfigLayer } from '@opmas/protocol';
import { describe, expect, test } from 'vitest';
import { createLayerJudge, type PlacedLayer, placeOf, unplaced } from './layer-judge.ts';
import { admitSchema, packageSchema } from './package-schema.ts';

function schemaOf(document: object) {
  const admitted = admitSchema(document);
  if (!admitted.ok) throw new Error(JSON.stringify(admitted.errors));
  return packageSchema(admitted.document);
}

const placed = (layer: ConfigLayer, more: Partial<PlacedLayer> = {}): PlacedLayer => ({
  ...unplaced(layer),
  ...more,
});
const faultsOf = (layer: ConfigLayer, more?: Partial<PlacedLayer>) =>
  createLayerJudge().faultsOf(placed(layer, more));
const pathsOf = (layer: ConfigLayer, more?: Partial<PlacedLayer>) =>
  faultsOf(layer, more).map(({ path }) => path);

describe('what a layer says', () => {
  test('is wrong although a higher layer hides it', () => {
    const above = [{ monitoring: { log_level: 'DEBUG' }, processing: { batch_size: 5 } }];
    const layer = { monitoring: { log_level: 'LOUD' }, processing: { batch_size: 5_000 } };
    expect(faultsOf(layer, { above })).toEqual([
      { path: 'processing.batch_size', message: expect.stringContaining('1000') },
      { path: 'monitoring.log_level', message: expect.stringContaining('must be one of DEBUG') },
    ]);
  });

  test('is not wrong for what a lower layer says', () => {
    const below = [{ monitoring: { log_level: 'LOUD' } }];
    expect(pathsOf({ monitoring: { heartbeat_interval: 5 } }, { below })).toEqual([]);
    expect(pathsOf({ monitoring: { heartbeat_interval: 0 } }, { below })).toEqual([
      'monitoring.heartbeat_interval',
    ]);
  });

  test.each([
    [{ processing: 5 }, 'processing'],
    [{ processing: null }, 'processing'],
    [{ findings_topic: { deep: 'x' } }, 'findings_topic'],
    [{ subscribed_topics: ['logs.a', 'nonsense'] }, 'subscribed_topics.1'],
    [{ rules: [{ id: 'x' }] }, 'rules.0'],
    [{ rules_enabled: { 'a.b/c~d': 'no' } }, 'rules_enabled.a.b~1c~0d'],
  ])('%j is wrong at %s under a valid one', (layer, path) => {
    const above = [
      {
        processing: { batch_size: 1, max_retries: 1, timeout: 1 },
        findings_topic: 'findings.a',
        subscribed_topics: [],
        rules: [],
        rules_enabled: { 'a.b/c~d': true },
      },
    ];
    expect(pathsOf(layer, { above })).toContain(path);
  });
});

describe('keys of the agent’s own', () => {
  const schema = schemaOf({
    properties: {
      own: {
        type: 'object',
        properties: { mode: { type: 'string', pattern: '^[a-z]+$' }, channel: { type: 'integer' } },
        required: ['mode', 'channel'],
      },
    },
    required: ['own', 'site'],
  });

  test('that a higher layer brings are not missing', () => {
    const above = [{ own: { channel: 1 }, site: 'x' }];
    expect(faultsOf({ own: { mode: 'a' } }, { above, schema })).toEqual([]);
    // Nor those that nobody brings: they are missing in the whole.
    expect(faultsOf({ own: { mode: 'a' } }, { schema })).toEqual([]);
  });

  test('of a wrong type or text are told, and unknown ones', () => {
    const above = [{ own: { channel: 1, mode: 'a' }, site: 'x' }];
    expect(pathsOf({ own: { channel: 'one' } }, { above, schema })).toEqual(['own.channel']);
    expect(pathsOf({ own: { mode: 'A1' } }, { above, schema })).toEqual(['own.mode']);
    expect(faultsOf({ own: { chanel: 1 } }, { above, schema })).toEqual([
      { path: 'own', message: 'unknown field chanel' },
    ]);
  });

  test('that go together only with what a higher layer brings are no fault', () => {
    const choice = schemaOf({
      properties: {
        own: {
          anyOf: [
            {
              type: 'object',
              properties: { mode: { const: 'a' }, x: { type: 'integer' } },
              required: ['mode', 'x'],
            },
            { type: 'object', properties: { mode: { const: 'b' } }, required: ['mode'] },
          ],
        },
      },
    });
    const above = [{ own: { x: 1 } }];
    expect(faultsOf({ own: { mode: 'a' } }, { above, schema: choice })).toEqual([]);
    expect(pathsOf({ own: { mode: 'c' } }, { above, schema: choice })).toContain('own.mode');
  });
});

describe('what was so before', () => {
  const above = [{ monitoring: { log_level: 'DEBUG' } }];
  const newFaults = (now: ConfigLayer, before: ConfigLayer) =>
    createLayerJudge()
      .newFaults(placed(now, { above }), placed(before, { above }))
      .map(({ path }) => path);
  const loud = { log_level: 'LOUD' };

  test('holds up no other change', () => {
    expect(
      newFaults({ monitoring: { ...loud, metrics_interval: 9 } }, { monitoring: loud }),
    ).toEqual([]);
    const rules = [{ id: 'old' }];
    expect(newFaults({ rules: [...rules, { id: 'new' }] }, { rules })).toEqual(['rules.1']);
  });

  test('is told when the value changes, and stays wrong', () => {
    expect(newFaults({ monitoring: { log_level: 'LOUDER' } }, { monitoring: loud })).toEqual([
      'monitoring.log_level',
    ]);
    expect(newFaults({ monitoring: loud }, {})).toEqual(['monitoring.log_level']);
  });
});

test('a layer is found among those of an agent by its label', () => {
  const layers = ['package', 'fleet', 'agent'].map((label) => ({ label, document: { label } }));
  const told = {
    result: { ok: false as const, errors: [] },
    layers,
    secrets: [],
    schema: undefined,
  };
  expect(placeOf(told, 'fleet')).toEqual({
    below: [{ label: 'package' }],
    layer: { label: 'fleet' },
    above: [{ label: 'agent' }],
    schema: undefined,
  });
  expect(placeOf(told, 'runtime')).toBeUndefined();
});
