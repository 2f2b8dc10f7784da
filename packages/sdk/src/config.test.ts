/** What an author reads by any spelling of a setting is the setting in force. */
import { CONFIG_DEFAULTS, mergeLayers } from '@opmas/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Config, configHash, hashingConfig, readConfig } from './config.ts';

test('a setting is read by its canonical name, its path and the specification’s spellings', () => {
  const rule = { id: 'r', name: 'R', pattern: 'x', severity: 'info', action: 'alert' };
  const own = { rules: [rule], subscribed_topics: ['logs.auth'], ssid: { guest: 'g' } };
  const read = readConfig(mergeLayers(CONFIG_DEFAULTS, own));
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  const config = new Config(read.value, { version: 1, hash: 'h' });
  for (const key of ['rules', 'RULES']) expect(config.get(key, [])).toEqual([rule]);
  for (const key of ['subscribed_topics', 'SUBSCRIBED_TOPICS', 'DEFAULT_SUBSCRIBED_TOPICS']) {
    expect(config.get(key, [])).toEqual(['logs.auth']);
  }
  for (const key of ['log_level', 'monitoring.log_level']) expect(config.get(key)).toBe('INFO');
  expect(config.get('processing')).toEqual(CONFIG_DEFAULTS.processing);
  expect(config.get('ssid.guest')).toBe('g');
  expect(config.get('absent', 7)).toBe(7);
});

test('the hash in steps is the hash', () => {
  const inSteps = (document: Record<string, unknown>) => {
    const steps = hashingConfig(document);
    for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
  };
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (document) => {
      expect(inSteps(document)).toBe(configHash(document));
    }),
  );
  const rules = Array.from({ length: 1_700 }, (_, n) => ({ id: `r${n}`, name: 'R', tags: [n] }));
  const document = { rules, none: undefined, empty: [], at: { b: 1, a: [] } };
  expect(inSteps(document)).toBe(configHash(document));
});
