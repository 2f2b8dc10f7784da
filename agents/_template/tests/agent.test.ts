import { testAgent } from '@opmas/sdk/testing';
import { expect, test } from 'vitest';
import agent from '../agent.ts';
import rules from '../rules.json' with { type: 'json' };

const folder = new URL('..', import.meta.url);

for (const rule of rules) {
  test(`${rule.id} matches its examples and nothing else of them`, async () => {
    const h = testAgent(agent, { package: folder });
    for (const message of rule.examples.match) {
      await h.emit('logs.__DOMAIN__', { message });
      expect(h.findings.at(-1)?.details.rule_id, message).toBe(rule.id);
    }
    const before = h.findings.length;
    for (const message of rule.examples.no_match) {
      await h.emit('logs.__DOMAIN__', { message });
    }
    expect(h.findings).toHaveLength(before);
  });
}

test('lines of ignored programs make no finding', async () => {
  const h = testAgent(agent, { package: folder });
  await h.emit('logs.__DOMAIN__', { message: 'Example failure of unit 7', program: 'cron' });
  expect(h.findings).toEqual([]);
});
