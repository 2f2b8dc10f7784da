import {
  AgentLogLine,
  AgentStatusReport,
  Heartbeat,
  type LogEvent,
  MetricsReport,
  parse,
} from '@opmas/protocol';
import { expect, test } from 'vitest';
import { BaseAgent } from './index.ts';
import { testAgent } from './testing/index.ts';

const containing = (text: string): unknown => expect.stringContaining(text);

const rule = (id: string, pattern: string) => ({
  id,
  name: id,
  pattern,
  severity: 'warning' as const,
  action: 'alert',
});

test('a batch matched at one go gives the same findings as event by event', async () => {
  class OneByOne extends BaseAgent {
    override async processEvent(event: LogEvent): Promise<void> {
      await super.processEvent(event);
    }
  }
  const rules = [rule('r1', 'a'), rule('r2', 'b'), rule('r3', 'zz')];
  const events = ['a', 'ab', 'b', 'c', 'zz'].map((message, i) => ({
    event_id: `e${i}`,
    timestamp: '2026-01-01T00:00:00Z',
    type: 'auth',
    message,
  }));
  const ids = [];
  for (const Agent of [BaseAgent, OneByOne]) {
    const h = testAgent(Agent, { rules });
    await h.emitRaw('logs.auth', JSON.stringify(events));
    expect(h.metrics.get('events_processed')).toBe(5);
    expect(h.metrics.get('processing_time')).toMatchObject({ count: 5 });
    ids.push(h.findings.map((f) => f.finding_id));
  }
  expect(ids[0]).toHaveLength(5);
  expect(ids[1]).toEqual(ids[0]);
});

test('a redelivery after a rule was added repeats the old findings', async () => {
  const h = testAgent(BaseAgent, { rules: [rule('r1', 'a')] });
  await h.emit('logs.auth', { message: 'a b' });
  await h.control({
    command: 'update_config',
    payload: { config: { rules: [rule('r0', 'b'), rule('r1', 'a')] } },
  });
  await h.redeliver();
  expect(h.published).toHaveLength(3);
  expect(h.findings.map((f) => f.details.rule_id)).toEqual(['r1', 'r0']);
});

test('heartbeats and metrics come at the configured intervals, and follow a change', async () => {
  const h = testAgent(BaseAgent, {
    config: { monitoring: { heartbeat_interval: 10, metrics_interval: 25 } },
  });
  await h.start();
  const count = (kind: string) => h.told.filter((t) => t.kind === kind).length;
  expect(count('heartbeat')).toBe(1);
  await h.clock.tick(50_000);
  expect([count('heartbeat'), count('metrics')]).toEqual([6, 2]);
  await h.control({ command: 'update_config', payload: { config: { heartbeat_interval: 1 } } });
  await h.clock.tick(5_000);
  expect(count('heartbeat')).toBe(11);
  await h.control({ command: 'update_config', payload: { config: { metrics_enabled: false } } });
  await h.clock.tick(60_000);
  expect(count('metrics')).toBe(2);
  for (const { kind, message } of h.told) {
    const schema = { heartbeat: Heartbeat, status: AgentStatusReport, metrics: MetricsReport }[
      kind
    ];
    expect(schema && parse(schema, message), kind).toMatchObject({ ok: true });
  }
  for (const line of h.logs) expect(parse(AgentLogLine, line).ok).toBe(true);
});

test('an error degrades the status with its reason, and time heals it', async () => {
  const h = testAgent(BaseAgent);
  await h.start();
  await h.agent.reportError({ error: 'the pump is stuck', token: 'abc' });
  expect(h.logs.at(-1)).toMatchObject({
    level: 'error',
    message: 'the pump is stuck',
    context: { token: '******' },
  });
  await h.clock.tick(1_000);
  const states = () => h.told.filter((t) => t.kind === 'status').map((t) => t.message);
  expect(states().at(-1)).toMatchObject({ status: 'degraded', reason: 'the pump is stuck' });
  await h.clock.tick(90_000);
  expect(states().at(-1)).toMatchObject({ status: 'healthy', reason: '' });
});

test('many different errors make at most one status message a second', async () => {
  const h = testAgent(BaseAgent);
  await h.start();
  const before = h.told.length;
  for (let i = 0; i < 100; i += 1) await h.agent.reportError({ error: `error ${i}` });
  await h.clock.tick(2_000);
  const sent = h.told.slice(before).filter((t) => t.kind === 'status');
  expect(sent.length).toBeLessThanOrEqual(2);
  expect(sent.at(-1)?.message).toMatchObject({ reason: 'error 99' });
});

test('commands are answered, repeated ones alike, late and unknown ones refused', async () => {
  const h = testAgent(BaseAgent);
  expect(await h.control({ command: 'health' })).toMatchObject({
    ok: true,
    data: { status: 'healthy' },
  });
  expect(await h.control({ command: 'set_log_level', payload: { level: 'DEBUG' } })).toMatchObject({
    ok: true,
    data: { level: 'debug' },
  });
  expect(h.agent.logger.level).toBe('debug');
  expect(await h.control({ command: 'set_log_level', payload: { level: 'LOUD' } })).toMatchObject({
    ok: false,
    error: containing('payload.level'),
  });
  expect(await h.control({ command: 'self_destruct' })).toMatchObject({
    ok: false,
    error: containing('command'),
  });
  expect(await h.control({ command: 'health', deadline: '2020-01-01T00:00:00Z' })).toMatchObject({
    ok: false,
    error: containing('deadline'),
  });
  const repeated = { command: 'update_config', command_id: 'c1' };
  const first = await h.control({ ...repeated, payload: { config: { batch_size: 5 } } });
  const second = await h.control({ ...repeated, payload: { config: { batch_size: 9 } } });
  expect(second).toEqual(first);
  expect(h.agent.config.get('batch_size')).toBe(5);
});

test('diagnostics show everything but secrets', async () => {
  const h = testAgent(BaseAgent, { config: { api_key: 'sesame', mode: 'x' } });
  const reply = await h.control({ command: 'diagnostics' });
  expect(JSON.stringify(reply)).not.toContain('sesame');
  expect(reply).toMatchObject({ ok: true, data: { config: { mode: 'x', api_key: '******' } } });
});

test('configuration is read by canonical names, paths and the specification’s spellings', async () => {
  const h = testAgent(BaseAgent, { config: { RULES: [rule('r', 'x')], heartbeat_interval: 7 } });
  await h.start();
  const { config } = h.agent;
  expect(config.get<unknown[]>('RULES', [])).toHaveLength(1);
  expect(config.get('rules')).toBe(config.get('RULES'));
  expect(config.get('monitoring.heartbeat_interval')).toBe(7);
  expect(config.get('HEARTBEAT_INTERVAL')).toBe(7);
  expect(config.get('nothing', 'fallback')).toBe('fallback');
  expect(config.get('__proto__', 'fallback')).toBe('fallback');
  expect(() => Object.assign(config.value.processing, { batch_size: 1 })).toThrow();
});

test('an event that takes too long fails, is retried and then dead-lettered', async () => {
  class Slow extends BaseAgent {
    override processEvent(): Promise<void> {
      return new Promise(() => {});
    }
  }
  const h = testAgent(Slow, { config: { processing: { timeout: 2, max_retries: 1 } } });
  await h.start();
  const outcome = h.emit('logs.auth', { message: 'x' });
  await new Promise((resolve) => setImmediate(resolve));
  await h.clock.tick(2_000);
  expect(await outcome).toBe('acked');
  expect(h.deadLetters).toMatchObject([{ error: containing('longer than 2 s') }]);
  expect(h.metrics.get('events_dead_lettered')).toBe(1);
  expect(h.metrics.get('errors')).toBe(1);
});

test('after drain it lives on without taking events', async () => {
  const h = testAgent(BaseAgent, { config: { subscribed_topics: ['logs.auth'] } });
  expect(await h.control({ command: 'drain' })).toMatchObject({ ok: true });
  expect(h.agent.topics).toEqual([]);
  expect(h.agent.getStatus()).toMatchObject({
    status: 'degraded',
    reason: containing('drained'),
  });
  const before = h.told.length;
  await h.clock.tick(60_000);
  const kinds = h.told.slice(before).map((t) => t.kind);
  expect(kinds).toEqual(expect.arrayContaining(['heartbeat', 'metrics']));
});

test('changed topics are followed, those the author added stay', async () => {
  const h = testAgent(BaseAgent, { config: { subscribed_topics: ['logs.auth', 'logs.wifi'] } });
  await h.start();
  await h.agent.subscribeToTopics(['logs.system', 'logs.auth']);
  await h.control({
    command: 'update_config',
    payload: { config: { subscribed_topics: ['logs.wifi', 'logs.health'] } },
  });
  expect(h.agent.topics.toSorted()).toEqual(['logs.health', 'logs.system', 'logs.wifi']);
  await expect(h.agent.subscribeToTopics(['findings.x'])).rejects.toThrow('not log topics');
});

test('what is no finding is refused before it reaches the broker', async () => {
  const h = testAgent(BaseAgent);
  await h.start();
  const finding = h.agent.createFinding({ type: 't', severity: 'info', description: 'd' });
  await h.agent.publishFinding(finding);
  expect(h.findings).toHaveLength(1);
  await expect(h.agent.publishFinding({ ...finding, type: '' })).rejects.toMatchObject({
    code: 'OPMAS_INVALID_FORMAT',
  });
});
