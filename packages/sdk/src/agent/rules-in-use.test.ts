/** What rules do is told once, whole, and only when it changed. */
import type { LogEvent, Rule } from '@opmas/protocol';
import { compileRules, type Ruleset } from '@opmas/rules';
import { expect, it } from 'vitest';
import { fakeClock } from '../testing/fake-clock.ts';
import { RulesInUse } from './rules-in-use.ts';

const rule = (id: string, pattern: string): Rule => ({
  id,
  name: id,
  pattern,
  severity: 'info',
  action: 'alert',
});
const event = (message: string): LogEvent => ({
  event_id: message,
  timestamp: '2026-01-01T00:00:00.000Z',
  type: 'system',
  message,
});
function set(...rules: Rule[]): Ruleset {
  const compiled = compileRules(rules);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
  return compiled.ruleset;
}

it('counts hits with the time of the last, and gives every rule a cost', () => {
  const clock = fakeClock();
  const usage = new RulesInUse(clock, () => undefined);
  const ruleset = set(rule('a', 'door'), rule('b', 'window'));
  for (const message of ['door open', 'door shut', 'nothing']) {
    usage.saw([event(message)]);
    usage.hit(ruleset.match(event(message)));
  }
  const told = new Map(
    [...usage.report(ruleset), ...usage.report(ruleset)].map((u) => [u.rule_id, u]),
  );
  expect(told.get('a')).toMatchObject({ hits: 2, last_hit: expect.any(String) as string });
  expect(told.get('b')).toMatchObject({ hits: 0, cost_ns: expect.any(Number) as number });
  expect(told.get('b')).not.toHaveProperty('last_hit');
});

it('says nothing of what did not change, and goes on counting', () => {
  const usage = new RulesInUse(fakeClock(), () => undefined);
  const ruleset = set(rule('a', 'door'));
  expect(usage.report(ruleset)).toEqual([]);
  usage.hit(ruleset.match(event('door')));
  expect(usage.report(ruleset)).toMatchObject([{ rule_id: 'a', hits: 1 }]);
  expect(usage.report(ruleset)).toEqual([]);
  usage.hit(ruleset.match(event('door')));
  expect(usage.report(ruleset)).toMatchObject([{ hits: 2 }]);
});

it('tells a rule over its time once, also to the agent, and no other', () => {
  const over: string[] = [];
  const usage = new RulesInUse(fakeClock(), (id) => over.push(id));
  let time = 0;
  // A clock by which every look takes long.
  const slow = compileRules([{ ...rule('slow', 'a+b'), kind: 'regex' }, rule('quick', 'aab')], {
    now: () => (time += 100),
  });
  if (!slow.ok) throw new Error('it compiles');
  for (let n = 0; n < 20; n += 1) usage.hit(slow.ruleset.match(event('aab')));
  expect(usage.report(slow.ruleset)).toMatchObject([
    { rule_id: expect.any(String) as string },
    { rule_id: expect.any(String) as string },
  ]);
  expect(over).toEqual(['slow']);
  usage.report(slow.ruleset);
  expect(over).toEqual(['slow']);
});
