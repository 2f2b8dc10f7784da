/** Rules are tried before they are published, on a whole server with recorded events. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Bus, listConsumers, publishDurable } from '@opmas/bus';
import type { Agent, Rule } from '@opmas/protocol';
import { ruleVersion } from '@opmas/rules';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { itemsOf, LONG, registeredAgent, testBus } from '../../testing/fleet.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import { rulesLimits } from './limits.ts';
import { trimUsage } from './usage.store.ts';

let server: TestServer;
let bus: Bus;
let agent: Agent;

beforeAll(async () => {
  server = await testServer();
  bus = await testBus(server);
  agent = await registeredAgent(server, 'Tried');
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

const rule = (over: Partial<Rule> = {}): Rule => ({
  id: 'r1',
  name: 'R',
  pattern: 'bad',
  severity: 'warning',
  action: 'alert',
  ...over,
});
const event = (n: number, message: string) => ({
  event_id: `e${n}`,
  timestamp: '2026-01-01T00:00:00.000Z',
  type: 'security',
  message,
});

interface Answer {
  valid: boolean;
  source: string;
  stopped: string | null;
  events: number;
  findings: number;
  ns_per_event: number | null;
  errors: { path: string }[];
  failed_examples: { path: string }[];
  rules: { rule_id: string; findings: number; cost_ns: number | null }[];
  difference: { gained: { count: number }; lost: { count: number } } | null;
  steps: { rules: { told: boolean; steps: { step: string; passed: boolean }[] }[] }[];
}
async function tried(body: object, status = 200): Promise<Answer> {
  const answer = await server.call('POST', '/api/v1/rules/test', { body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  return answer.body as Answer;
}
let published = 0;
async function record(topic: string, ...payloads: string[]) {
  for (const payload of payloads) {
    published += 1;
    await publishDurable(bus, topic, payload, { msgId: `m${published}` });
  }
}

describe('on given events', () => {
  test('answers findings, cost, and every step after the match', async () => {
    const where = { program: 'dropbear' };
    const events = [
      { message: 'bad', program: 'dropbear' },
      { message: 'bad' },
      { message: 'good' },
    ];
    const answer = await tried({ rules: [rule({ where })], events });
    expect(answer).toMatchObject({ valid: true, source: 'given', events: 3, findings: 1 });
    expect(answer.rules).toMatchObject([{ rule_id: 'r1', findings: 1 }]);
    expect(answer.rules[0]?.cost_ns).toBeTypeOf('number');
    expect(answer.steps.map(({ rules }) => rules.map(({ told }) => told))).toEqual([
      [true],
      [false],
      [],
    ]);
    expect(answer.steps[1]?.rules[0]?.steps).toMatchObject([
      { step: 'pattern', passed: true },
      { step: 'where.program', passed: false },
    ]);
  });

  test('says what is wrong with rules by path, and which examples do not come out', async () => {
    const broken = await tried({
      rules: [rule(), rule({ id: 'r2', kind: 'regex', pattern: '(' })],
    });
    expect(broken).toMatchObject({ valid: false, errors: [{ path: 'rules[1].pattern' }] });
    const failing = await tried({ rules: [rule({ examples: { match: ['good'] } })] });
    expect(failing).toMatchObject({
      valid: false,
      errors: [],
      failed_examples: [{ path: 'rules[0].examples.match.0' }],
    });
  });

  test.each([
    ['two sources', { events: [], domain: 'security' }, 'domain'],
    ['no topic', { last: 5 }, 'domain'],
    ['an end without a beginning', { domain: 'auth', to: '2026-01-01T00:00:00.000Z' }, 'to'],
    ['both ways to choose', { domain: 'auth', last: 1, from: '2026-01-01T00:00:00.000Z' }, 'last'],
    [
      'time that runs backwards',
      { domain: 'auth', from: '2026-01-02T00:00:00.000Z', to: '2026-01-01T00:00:00.000Z' },
      'to',
    ],
    [
      'too many events',
      { events: Array.from({ length: rulesLimits.givenEvents + 1 }, () => ({ message: 'x' })) },
      'events',
    ],
  ])('refuses %s', async (_, more, path) => {
    expect(await tried({ rules: [rule()], ...more }, 400)).toMatchObject({ errors: [{ path }] });
  });

  test('an agent that is not there is 404', async () => {
    await tried({ rules: [], agent_id: 'test-none', events: [] }, 404);
  });

  test('an expression made to take long costs its trial, not the server', async () => {
    const hostile = rule({ kind: 'regex', pattern: '(\\w+\\s?)+\\d(a|b|c)*x$' });
    const message = `${'aaaa '.repeat(1_600)}!`;
    const events = Array.from({ length: 100 }, () => ({ message }));
    const stalls = monitorEventLoopDelay({ resolution: 5 });
    stalls.enable();
    const { ns_per_event } = await tried({ rules: [hostile], events });
    stalls.disable();
    // Matched on the server's own thread it would have stood still for all of that time.
    expect(stalls.max).toBeLessThan((ns_per_event ?? 0) * events.length);
  });
});

describe('on recorded events', () => {
  beforeAll(async () => {
    const batch = Array.from({ length: 50 }, (_, n) => JSON.stringify(event(n, `bad ${n}`))).join(
      '\n',
    );
    await record('logs.security', batch, JSON.stringify([event(50, 'good'), event(51, 'bad')]));
    await record('logs.other', JSON.stringify(event(52, 'bad elsewhere')));
    await record('logs.security', 'no event', JSON.stringify(event(53, 'worse')));
  });

  test('works what a domain recorded, and leaves no consumer behind', async () => {
    const before = await listConsumers(bus, 'EVENTS');
    const answer = await tried({ rules: [rule()], domain: 'security', last: 1_000 });
    expect(answer).toMatchObject({ source: 'recorded', events: 53, findings: 51, stopped: null });
    expect(await listConsumers(bus, 'EVENTS')).toEqual(before);
  });

  test('works the newest so many, and a time range', async () => {
    expect(await tried({ rules: [rule()], domain: 'security', last: 3 })).toMatchObject({
      events: 3,
      findings: 1,
    });
    const from = new Date(Date.now() - 3_600_000).toISOString();
    expect(await tried({ rules: [rule()], domain: 'security', from })).toMatchObject({
      events: 53,
    });
    const to = new Date(Date.now() - 1_800_000).toISOString();
    expect(await tried({ rules: [rule()], domain: 'security', from, to })).toMatchObject({
      events: 0,
    });
  });

  test('tells the difference to what the agent runs, on the topics of the agent', async () => {
    const rules = [rule({ pattern: 'good' }), rule({ id: 'r2', pattern: 'worse' })];
    const answer = await tried({ rules, agent_id: agent.agent_id });
    expect(answer).toMatchObject({
      events: 53,
      difference: { agent_id: agent.agent_id, gained: { count: 2 }, lost: { count: 51 } },
    });
  });
});

describe('publishing', () => {
  const put = (rules: unknown) =>
    server.call('PUT', `/api/v1/agents/${agent.agent_id}/config`, { body: { rules } });

  test('a configuration whose examples do not come out is refused by path, and stored as nothing', async () => {
    const before = await server.call('GET', `/api/v1/agents/${agent.agent_id}/config`);
    const examples = { match: ['bad'], no_match: ['very bad'] };
    expect(await put([rule(), rule({ id: 'r2', examples })])).toMatchObject({
      status: 400,
      body: {
        code: 'OPMAS_INVALID_CONFIGURATION',
        errors: [{ path: 'rules[1].examples.no_match.0' }],
      },
    });
    expect((await server.call('GET', `/api/v1/agents/${agent.agent_id}/config`)).body).toEqual(
      before.body,
    );
    expect((await put([rule({ examples: { match: ['bad'] } })])).status).toBe(200);
  });
});

describe('in service', () => {
  interface InService {
    rule_id: string;
    hits: number;
    last_hit: string | null;
    cost_ns: number | null;
    slow: boolean;
    agents: { agent_id: string; hits: number }[];
  }
  const list = async (query = '') => {
    const { body, status } = await server.call('GET', `/api/v1/rules?${query}`);
    expect(status).toBe(200);
    return itemsOf<InService>(body);
  };
  const report = async (instance_id: string, rules: object[]) => {
    const at = new Date().toISOString();
    const { agent_id, name } = agent;
    published += 1;
    const message = { agent_id, timestamp: at, instance_id, metrics: {}, rules };
    await publishDurable(bus, `opmas.metrics.${name}`, JSON.stringify(message), {
      msgId: `metrics-${published}`,
    });
  };
  const last_hit = '2026-01-01T00:00:00.000Z';

  test('hits of all instances are added up, a report that comes again counts once', async () => {
    expect(await list()).toMatchObject([{ rule_id: 'r1', hits: 0, last_hit: null, cost_ns: null }]);
    await report('i1', [{ rule_id: 'r1', hits: 3, last_hit, cost_ns: 70 }]);
    await report('i2', [{ rule_id: 'r1', hits: 2, slow: true }]);
    await report('i1', [
      { rule_id: 'r1', hits: 3, last_hit },
      { rule_id: 'gone', hits: 9 },
    ]);
    await waitFor(async () => (await list())[0]?.hits === 5, LONG);
    expect(await list()).toMatchObject([
      { rule_id: 'r1', last_hit, cost_ns: 70, slow: true, agents: [{ agent_id: agent.agent_id }] },
    ]);
  });

  test('rules that have been silent are found, also among instances that are gone', async () => {
    await trimUsage(server.database.pool, new Date(Date.now() + 60_000));
    expect(await list()).toMatchObject([{ rule_id: 'r1', hits: 5, last_hit, slow: false }]);
    expect(await list('silent=3600')).toHaveLength(1);
    await report('i3', [{ rule_id: 'r1', hits: 1, last_hit: new Date().toISOString() }]);
    await waitFor(async () => (await list('silent=3600')).length === 0, LONG);
    expect(await list(`agent_id=test-none`)).toEqual([]);
    // The newest of then was only cut off, and goes on counting from where it was.
    await report('i2', [{ rule_id: 'r1', hits: 4 }]);
    await waitFor(async () => (await list())[0]?.hits !== 6, LONG);
    expect(await list()).toMatchObject([{ rule_id: 'r1', hits: 3 + 4 + 1 }]);
  });

  test('a rule that the agent took out of service is shown, lasts, and goes when the agent says so', async () => {
    const say = (disabled_rules?: object[], status = 'healthy') =>
      publishDurable(
        bus,
        `opmas.status.${agent.name}`,
        JSON.stringify({ agent_id: agent.agent_id, status, disabled_rules }),
        { msgId: `status-${(published += 1)}` },
      );
    const conditions = async () => {
      const { body } = await server.call('GET', `/api/v1/agents/${agent.agent_id}`);
      return (body as Agent).conditions.filter(({ type }) => type === 'rule_disabled');
    };
    const out = {
      rule_id: 'r1',
      rule_version: ruleVersion(rule()),
      reason: 'took more than 10 ms',
      since: '2026-01-01T00:00:00.000Z',
    };
    await say([out, { ...out, rule_id: 'gone' }, { ...out, reason: 'said twice' }]);
    await waitFor(async () => (await conditions()).length === 1, LONG);
    expect(await conditions()).toMatchObject([
      { reason: 'time_budget', message: expect.stringMatching(/r1 .* 2 other rules/) as string },
    ]);
    expect(await list()).toMatchObject([
      {
        rule_id: 'r1',
        disabled: true,
        agents: [{ disabled: { reason: 'said twice', since: out.since } }],
      },
    ]);
    // What it says of another version, as after an edit, is not said of this one.
    await say([{ ...out, rule_version: 'abc' }]);
    await waitFor(async () => !(await conditions())[0]?.message.includes('other'), LONG);
    expect(await list()).toMatchObject([{ disabled: false, agents: [{ disabled: null }] }]);
    await say([out, { ...out, rule_id: 'gone' }]);
    await waitFor(async () => (await conditions())[0]?.message.includes('other') === true, LONG);
    // An agent that does not say keeps what it said; and it is well again before the rule is.
    await say();
    await say([out]);
    await waitFor(async () => !(await conditions())[0]?.message.includes('other'), LONG);
    expect(await list()).toMatchObject([{ agents: [{ disabled: { reason: out.reason } }] }]);
    await say([]);
    await waitFor(async () => (await conditions()).length === 0, LONG);
    expect(await list()).toMatchObject([{ disabled: false, agents: [{ disabled: null }] }]);
  });
});
