/** A rule over its time budget: out of service in the agent, told, and back when it was edited. */
import { AgentStatusReport, parse, type Rule } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { BaseAgent } from '../base-agent.ts';
import { type TestHarness, testAgent } from '../testing/index.ts';

/** Some fifty places of it wait at once: several milliseconds on a message of 8,192 characters, on any machine. */
const WIDE: Rule = {
  id: 'wide',
  name: 'Wide',
  kind: 'regex',
  pattern: 'aaa.{0,15}.{0,15}.{0,15}b',
  severity: 'info',
  action: 'alert',
};
const PLAIN: Rule = { id: 'plain', name: 'P', pattern: 'aaa', severity: 'info', action: 'alert' };
const LINE = 'a'.repeat(8_192);
const BUDGET = { processing: { rule_budget: 0.001 } };

const batch = (count: number) =>
  JSON.stringify(
    Array.from({ length: count }, (_, n) => ({
      event_id: `e${n}`,
      timestamp: '2026-01-01T00:00:00Z',
      type: 'auth',
      message: LINE,
    })),
  );

function status(harness: TestHarness): AgentStatusReport {
  const message = harness.told.filter(({ kind }) => kind === 'status').at(-1)?.message;
  const read = parse(AgentStatusReport, message);
  if (!read.ok) throw new Error(JSON.stringify(read.errors));
  return read.value;
}

const update = (harness: TestHarness, config: object) =>
  harness.control({ command: 'update_config', payload: { config } });

test.each([
  ['a whole batch', BaseAgent],
  [
    'event by event',
    class OneByOne extends BaseAgent {
      override async processEvent(...args: Parameters<BaseAgent['processEvent']>): Promise<void> {
        await super.processEvent(...args);
      }
    },
  ],
])('goes out of service alone, and is told: %s', async (_, Agent) => {
  const h = testAgent(Agent, { rules: [WIDE, PLAIN], config: BUDGET });
  await h.emitRaw('logs.auth', batch(30));
  expect(h.findings.map(({ details }) => details.rule_id)).toEqual(
    Array.from({ length: 30 }, () => 'plain'),
  );
  await h.clock.tick(1_000);
  expect(status(h)).toMatchObject({
    status: 'degraded',
    reason: expect.stringContaining('rule wide is out of service') as string,
    disabled_rules: [{ rule_id: 'wide', reason: expect.stringContaining('1 ms') as string }],
  });
  expect(h.logs.filter(({ message }) => message.includes('wide'))).toHaveLength(1);
  // Well again after a while, but the rule stays out.
  await h.clock.tick(90_000);
  expect(status(h)).toMatchObject({ status: 'healthy', disabled_rules: [{ rule_id: 'wide' }] });
});

test('stays out when other rules change, and is back when it was edited', async () => {
  const h = testAgent(BaseAgent, { rules: [WIDE], config: BUDGET });
  await h.emitRaw('logs.auth', batch(30));
  await update(h, { rules: [PLAIN, WIDE] });
  await h.clock.tick(1_000);
  expect(status(h).disabled_rules).toMatchObject([{ rule_id: 'wide' }]);
  await h.emit('logs.auth', { message: 'aaab' });
  expect(h.findings.map(({ details }) => details.rule_id)).toEqual(['plain']);

  await update(h, { rules: [{ ...WIDE, pattern: 'aaab' }] });
  await h.clock.tick(1_000);
  expect(status(h).disabled_rules).toEqual([]);
  await h.emit('logs.auth', { message: 'aaab' });
  expect(h.findings.at(-1)?.details.rule_id).toBe('wide');
});

test('is tried again with another budget, and not told while it is not in force', async () => {
  const h = testAgent(BaseAgent, { rules: [WIDE], config: BUDGET });
  await h.emitRaw('logs.auth', batch(30));
  await update(h, { rules: [PLAIN] });
  await h.clock.tick(1_000);
  expect(status(h).disabled_rules).toEqual([]);
  await update(h, { rules: [WIDE] });
  await h.clock.tick(1_000);
  expect(status(h).disabled_rules).toHaveLength(1);
  await update(h, { processing: { rule_budget: 0.05 } });
  await h.clock.tick(1_000);
  expect(status(h).disabled_rules).toEqual([]);
  await h.emit('logs.auth', { message: 'aaab' });
  expect(h.findings.at(-1)?.details.rule_id).toBe('wide');
});

test('an absence is not told because its second step went out of service', async () => {
  const absence: Rule = {
    id: 'absence',
    name: 'A',
    kind: 'absence',
    pattern: 'asked',
    followed_by: { pattern: 'aaa.{0,15}.{0,15}.{0,15}b', pattern_kind: 'regex' },
    within_seconds: 30,
    severity: 'info',
    action: 'alert',
  };
  const h = testAgent(BaseAgent, { rules: [absence], config: BUDGET });
  await h.emit('logs.auth', { message: 'asked' });
  await h.emitRaw('logs.auth', batch(30));
  await h.clock.tick(1_000);
  expect(status(h).disabled_rules).toMatchObject([{ rule_id: 'absence' }]);
  await h.clock.tick(300_000);
  expect(h.findings).toEqual([]);
});
