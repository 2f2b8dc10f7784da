/** Judging a configuration with thousands of rules leaves others their turn, and comes to the same. */
import { expect, test } from 'vitest';
import { configHash } from '../config.ts';
import { Configuration } from './configuration.ts';

const rules = Array.from({ length: 3_000 }, (_, n) => ({
  id: `r${n}`,
  name: `Rule ${n}`,
  kind: n % 2 === 0 ? 'regex' : 'substring',
  pattern: n % 2 === 0 ? `user\\d+ denied at ${n}x` : `E${n} fault`,
  severity: 'info',
  action: 'alert',
}));

test('heartbeats and commands have their turn while rules are compiled', async () => {
  const configuration = new Configuration({ code: {}, files: {} });
  let turns = 0;
  let next = setImmediate(function again() {
    turns += 1;
    next = setImmediate(again);
  });
  const before = configuration.ruleset;
  const judging = configuration.propose({ RULES: rules }, { replace: true }, () => []);
  expect(configuration.ruleset).toBe(before);
  const candidate = await judging;
  clearImmediate(next);
  expect(turns).toBeGreaterThan(5);
  // Nothing runs of it until it is adopted, and then all of it.
  expect(configuration.ruleset).toBe(before);
  configuration.adopt(candidate);
  expect(configuration.report.running_hash).toBeNull();
  configuration.followedToTheEnd();
  expect(configuration.ruleset.rules).toHaveLength(rules.length);
  expect(configuration.report.running_hash).toBe(configHash({ rules }));
});

test('a fault is found by its path, and the one before stays in force', async () => {
  const configuration = new Configuration({ code: {}, files: {} });
  const faulty = [...rules.slice(0, 600), { ...rules[0], id: 'bad', pattern: '(' }];
  await expect(configuration.propose({ rules: faulty }, {}, () => [])).rejects.toMatchObject({
    code: 'OPMAS_INVALID_CONFIGURATION',
    faults: [{ path: 'rules.600.pattern' }],
  });
  expect(configuration.adopted).toBe(false);
  expect(configuration.report.attempted_hash).toBe(configHash({ rules: faulty }));
});
