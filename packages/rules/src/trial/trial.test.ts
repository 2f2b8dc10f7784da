/** A trial says what an agent would have told, what is different, and why an event came to nothing. */
import type { LogEvent, Rule } from '@opmas/protocol';
import { expect, it } from 'vitest';
import { Trial, type TrialOptions, trialLimits } from '../index.ts';

const rule = (over: Partial<Rule>): Rule => ({
  id: 'down',
  name: 'Link down',
  pattern: 'is down',
  severity: 'warning',
  action: 'alert',
  ...over,
});

const events = (...messages: string[]): LogEvent[] =>
  messages.map((message, n) => ({
    event_id: `e${n}`,
    timestamp: new Date(Date.parse('2026-01-01T00:00:00.000Z') + n * 1_000).toISOString(),
    type: 'system',
    program: 'netifd',
    message,
  }));

function run(rules: Rule[], given: LogEvent[], options: TrialOptions = {}) {
  const start = Trial.start(rules, options);
  if (!start.ok) throw new Error(JSON.stringify(start.errors));
  start.trial.take(given);
  return start.trial.result();
}

it('counts matches and findings of each rule, and gives each a cost', () => {
  const rules = [rule({}), rule({ id: 'quiet', action: 'log', pattern: 'is up' })];
  const result = run(rules, events('eth0 is down', 'eth0 is up', 'eth1 is down', 'hello'));
  expect(result).toMatchObject({ events: 4, matched: 3, findings: 2, gained: null, lost: null });
  expect(result.rules).toMatchObject([
    { rule_id: 'down', matches: 2, findings: 2, cost_ns: expect.any(Number) as number },
    { rule_id: 'quiet', matches: 1, findings: 0 },
  ]);
  expect(result.told.map(({ event_id }) => event_id)).toEqual(['e0', 'e2']);
  expect(result.ns_per_event).toBeGreaterThan(0);
});

it('tells what the set in force would not have told, and the other way round', () => {
  const inForce = [rule({}), rule({ id: 'both', pattern: 'eth1' })];
  const rules = [rule({ pattern: 'is up' }), rule({ id: 'both', pattern: 'eth1' })];
  const result = run(rules, events('eth0 is down', 'eth0 is up', 'eth1 is down'), { inForce });
  expect(result.gained).toMatchObject({
    count: 1,
    examples: [{ rule_id: 'down', event_id: 'e1' }],
  });
  expect(result.lost).toMatchObject({
    count: 2,
    examples: [{ event_id: 'e0' }, { event_id: 'e2', message: 'eth1 is down' }],
  });
});

it('counts windows as an agent does, over the bounds of batches', () => {
  const flap = rule({
    kind: 'threshold',
    pattern: '^(?<link>\\S+) is down',
    pattern_kind: 'regex',
    group_by: ['link'],
    count: 3,
    within_seconds: 60_000,
  });
  const many = events(
    ...Array.from({ length: trialLimits.batchEvents + 10 }, (_, n) =>
      n === 0 || n >= trialLimits.batchEvents ? 'eth0 is down' : 'nothing',
    ),
  );
  const result = run([flap], many);
  expect(result.rules).toMatchObject([{ matches: 11, findings: 3 }]);
  expect(result.told[0]?.event_id).toBe(`e${trialLimits.batchEvents + 1}`);
});

it('shows every step of an event: where it ended, or what it led to', () => {
  const where = { program: 'netifd', host: { prefix: 'ap-' } };
  const counted = rule({ id: 'often', kind: 'threshold', count: 2, within_seconds: 60 });
  const result = run(
    [rule({ where }), counted],
    events('eth0 is down', 'eth0 is up', 'eth0 is down'),
    { explain: 3 },
  );
  const [first, second, third] = result.explained;
  expect(first?.rules).toMatchObject([
    {
      rule_id: 'down',
      told: false,
      steps: [
        { step: 'pattern', passed: true, text: 'matched "is down"' },
        { step: 'where.program', passed: true },
        { step: 'where.host', passed: false, text: expect.stringContaining('is absent') as string },
      ],
    },
    { rule_id: 'often', told: false, steps: [{}, { step: 'window', passed: false }] },
  ]);
  expect(second?.rules).toEqual([]);
  expect(third?.rules[1]).toMatchObject({
    told: true,
    steps: [{}, { step: 'window', passed: true }, { step: 'action', text: 'alert' }],
  });
});

it('tells the steps of each half of a sequence with its own conditions', () => {
  const restart = rule({
    id: 'restart',
    kind: 'sequence',
    pattern: 'is down',
    followed_by: { pattern: 'is up', where: { program: 'hostapd' } },
    within_seconds: 60,
  });
  const given = events('eth0 is down', 'eth0 is up', 'eth0 is up');
  const last = given[2];
  if (last !== undefined) last.program = 'hostapd';
  const { explained, rules } = run([restart], given, { explain: 3 });
  expect(explained.map((each) => each.rules.map(({ told }) => told))).toEqual([
    [false],
    [false],
    [true],
  ]);
  expect(explained[1]?.rules[0]?.steps.at(-1)).toMatchObject({
    step: 'where.program',
    passed: false,
  });
  expect(rules).toMatchObject([{ matches: 2, findings: 1 }]);
});

it('tells the value that a condition looked at, inside other fields too', () => {
  const given = events('link is down');
  const [event] = given;
  if (event !== undefined) event.fields = { port: { name: 'eth1' }, 'a.b': 'c' };
  const asks = (id: string, field: string, value: string) =>
    rule({ id, pattern: 'is down', where: { [field]: value } });
  const rules = [asks('inside', 'fields.port.name', 'eth0'), asks('dotted', 'fields.a.b', 'c')];
  const { explained } = run(rules, given, { explain: 1 });
  expect(explained[0]?.rules.map(({ steps }) => steps[1])).toEqual([
    { step: 'where.fields.port.name', passed: false, text: expect.stringContaining('is "eth1"') },
    { step: 'where.fields.a.b', passed: true, text: expect.stringContaining('is "c"') },
  ]);
});

it('tells what is absent when the time has passed, and whether it is what was looked out for', () => {
  const missing = rule({
    kind: 'absence',
    followed_by: { pattern: 'is up' },
    within_seconds: 60,
  });
  for (const [event_id, found] of [
    ['e0', true],
    ['e9', false],
  ] as const) {
    const start = Trial.start([missing], { watch: { rule_id: 'down', event_id } });
    if (!start.ok) throw new Error('it compiles');
    start.trial.take(events('eth0 is down'));
    expect(start.trial.result().findings).toBe(0);
    start.trial.pass(Date.parse('2026-01-01T01:00:00.000Z'));
    expect(start.trial.result()).toMatchObject({ findings: 1, told: [{ event_id: 'e0' }] });
    expect(start.trial.result().watched !== null).toBe(found);
  }
});

it('refuses rules that do not compile, and says which examples fail', () => {
  expect(Trial.start([rule({ kind: 'regex', pattern: '(' })])).toMatchObject({
    ok: false,
    errors: [{ rule_id: 'down', path: 'pattern' }],
  });
  expect(Trial.start([rule({ examples: { match: ['is up'] } })])).toMatchObject({
    ok: true,
    failed: [{ path: 'examples.match.0' }],
  });
});
