/** What an author reads by any spelling of a setting is the setting in force. */
import { CONFIG_DEFAULTS, mergeLayers } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { Config, readConfig } from './config.ts';

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
