import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { consumerInfo, publishDurable, streamInfo } from '@opmas/bus';
import { isPlainObject } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type AgentProcess, event, World } from '../test/world.ts';

// Real processes on a machine that may be busy: the bounds are in the waits.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

let world: World;
beforeEach(async () => {
  world = await World.start();
});
afterEach(() => world.stop());

const RULE = {
  id: 'bad-password',
  name: 'Bad password',
  pattern: 'Bad password attempt',
  severity: 'warning',
  action: 'alert',
  type: 'login_failure',
};
const RULES = JSON.stringify([RULE]);

let messages = 0;
async function send(topic: string, ...events: object[]): Promise<void> {
  messages += 1;
  const lines = events.map((e) => JSON.stringify(e)).join('\n');
  await publishDurable(world.admin, topic, lines, { msgId: `m${messages}` });
}

async function launched(packageDir: string, token?: string): Promise<AgentProcess> {
  const heartbeats = world.collect('opmas.heartbeat.*');
  const agent = world.launch(packageDir, token === undefined ? {} : { token });
  await waitFor(() => heartbeats.length > 0, {
    timeoutMs: 60_000,
    what: `a heartbeat: ${agent.log()}`,
  });
  return agent;
}

test('a rules package registers, heartbeats, and turns a log line into one finding', async () => {
  const heartbeats = world.collect('opmas.heartbeat.*');
  const findings = world.collect('findings.>');
  const agent = await launched(world.package({ 'rules.json': RULES }), world.newToken());
  expect(heartbeats[0]).toMatchObject({ agent_id: world.agentId, config_version: 1 });

  const bad = event("Bad password attempt for 'root' from 203.0.113.9:40022", { api_key: 'x' });
  await send('logs.auth', bad);
  await send('logs.auth', event('all is well'));
  await waitFor(() => findings.length > 0, { what: `a finding: ${agent.log()}` });
  expect(findings).toMatchObject([
    {
      agent_id: world.agentId,
      type: 'login_failure',
      severity: 'warning',
      description: "Rule 'Bad password' matched",
      details: {
        event_id: bad['event_id'],
        rule_id: 'bad-password',
        matched_pattern: 'Bad password attempt',
        event: { api_key: '******' },
      },
    },
  ]);
  expect(statSync(join(world.stateDir, 'identity.json')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(world.stateDir, 'credentials.json'), 'utf8')).not.toContain('"seed"');

  agent.child.kill('SIGTERM');
  expect(await agent.exited()).toBe(0);
});

test('a second launch heartbeats and works from its cache while the API is away', async () => {
  world.config = { rules: [RULE] };
  const dir = world.package({ 'rules.json': '[]' });
  const first = await launched(dir, world.newToken());
  first.child.kill('SIGKILL');
  await first.exited();
  world.away = true;
  world.calls.length = 0;
  const findings = world.collect('findings.>');
  const second = await launched(dir);
  await send('logs.auth', event('Bad password attempt'));
  await waitFor(() => findings.length === 1, { what: `a finding: ${second.log()}` });
  expect(world.calls.every((call) => call.endsWith('503'))).toBe(true);

  world.config = { rules: [{ ...RULE, pattern: 'other' }] };
  world.version = 2;
  world.away = false;
  const heartbeats = world.collect('opmas.heartbeat.*');
  await waitFor(
    async () => {
      await world.command({ command: 'health' });
      const answer = await world.command({ command: 'diagnostics' });
      return JSON.stringify(answer).includes('"pattern":"other"');
    },
    { timeoutMs: 60_000, what: `the new configuration: ${second.log()}` },
  );
  expect(heartbeats.every((h) => h['agent_id'] === world.agentId)).toBe(true);
});

test('the specification’s update_config message changes the rules; a bad one is refused and reported', async () => {
  const statuses = world.collect('opmas.status.*');
  const findings = world.collect('findings.>');
  const agent = await launched(world.package({ 'rules.json': RULES }), world.newToken());
  const good = await world.command({
    command: 'update_config',
    timestamp: '2025-05-27T12:00:00Z',
    payload: { config: { rules: [{ ...RULE, id: 'r2', pattern: 'Failed login' }] } },
  });
  expect(good).toMatchObject({ ok: true, agent_id: world.agentId });
  await send('logs.security', event('Failed login attempt'));
  await waitFor(() => findings.length === 1, { what: `a finding: ${agent.log()}` });
  expect(findings[0]).toMatchObject({ details: { rule_id: 'r2' } });

  const bad = await world.command({
    command: 'update_config',
    command_id: 'c-1',
    payload: { config: { rules: [{ ...RULE, severity: 'fatal' }] } },
  });
  expect(bad).toMatchObject({ ok: false, command_id: 'c-1' });
  await waitFor(
    () => statuses.some((s) => JSON.stringify(s['config']).includes('rules.0.severity')),
    { what: 'the refusal in opmas.status' },
  );
  await send('logs.security', event('Failed login attempt'));
  await waitFor(() => findings.length === 2, { what: 'the old rules still work' });
});

test('only the event that fails is dead-lettered, the others of its batch are processed once', async () => {
  world.config = { processing: { max_retries: 2 } };
  const dead = world.collect('opmas.deadletter.*');
  const findings = world.collect('findings.>');
  const dir = world.package({
    'agent.ts': `
      import { BaseAgent, type LogEvent } from '@opmas/sdk';
      const seen = new Map<string, number>();
      export default class Picky extends BaseAgent {
        override async processEvent(event: LogEvent) {
          const times = (seen.get(event.event_id) ?? 0) + 1;
          seen.set(event.event_id, times);
          if (event.message === 'poison') throw new Error('cannot stomach this');
          await this.publishFinding(this.createFinding({
            type: 'seen', severity: 'info', description: String(times), details: { event },
          }));
        }
      }`,
  });
  const agent = await launched(dir, world.newToken());
  const poison = event('poison');
  await send('logs.auth', event('a'), poison, event('b'), event('c'));
  await waitFor(() => dead.length === 1, {
    timeoutMs: 60_000,
    what: `a dead letter: ${agent.log()}`,
  });
  expect(dead[0]).toMatchObject({
    agent_id: world.agentId,
    agent_name: 'SecurityAgent',
    topic: 'logs.auth',
    error: 'cannot stomach this',
    deliveries: 2,
    event: poison,
  });
  await waitFor(() => findings.length === 3);
  expect(findings.map((f) => f['description'])).toEqual(['1', '1', '1']);
});

test('it outlives a broker that is killed, and loses nothing it was sent', async () => {
  const agent = await launched(world.package({ 'rules.json': RULES }), world.newToken());
  await world.nats.kill9();
  await world.nats.restart();
  await world.admin.whenUp(10_000);
  const findings = world.collect('findings.>');
  for (let i = 0; i < 20; i += 1) await send('logs.auth', event('Bad password attempt'));
  await waitFor(() => findings.length === 20, { timeoutMs: 40_000, what: agent.log() });
  expect(new Set(findings.map((f) => f['finding_id'])).size).toBe(20);
});

test('credentials are renewed at half their life, without a gap', async () => {
  world.expiresIn = 4;
  const findings = world.collect('findings.>');
  const agent = await launched(world.package({ 'rules.json': RULES }), world.newToken());
  const renewals = () => world.calls.filter((call) => call.includes('/credentials 200')).length;
  let sent = 0;
  while (renewals() < 3) {
    await send('logs.auth', event('Bad password attempt'));
    sent += 1;
    const before = renewals();
    await waitFor(() => findings.length === sent || renewals() > before, { timeoutMs: 60_000 });
  }
  await waitFor(() => findings.length === sent, { timeoutMs: 40_000, what: agent.log() });
  expect(agent.child.exitCode).toBeNull();
  expect(agent.log()).not.toContain('critical');
});

test('an agent the server will not have any more ends, and may enrol again', async () => {
  world.expiresIn = 4;
  const dir = world.package({ 'rules.json': RULES });
  const agent = await launched(dir, world.newToken());
  world.revoke();
  expect(await agent.exited()).toBe(1);
  expect(agent.log()).toContain('refuses this agent');
  const again = world.launch(dir);
  expect(await again.exited()).toBe(1);
  await launched(dir, world.newToken());
});

test.each([
  ['stop', 0],
  ['restart', 0],
])('command %s is answered, then the process drains and exits', async (command, code) => {
  const statuses = world.collect('opmas.status.*');
  const agent = await launched(world.package({ 'rules.json': RULES }), world.newToken());
  expect(await world.command({ command })).toMatchObject({ ok: true });
  expect(await agent.exited()).toBe(code);
  expect(statuses.at(-1)).toMatchObject({ status: 'stopping' });
});

test('a package that cannot load ends with 78 and says what to do', async () => {
  const cases = [
    [{}, 'neither agent.ts nor rules.json'],
    [{ 'rules.json': '{' }, 'is not JSON'],
    [{ 'rules.json': JSON.stringify([{ ...RULE, severity: 'fatal' }]) }, 'rules.0.severity'],
    [{ 'agent.ts': 'export default 7;' }, 'must export an agent by default'],
    [{ 'agent.ts': 'import "left-pad-nope";' }, 'npm install left-pad-nope'],
    [{ 'agent.ts': 'export default class {' }, 'agent.ts cannot be loaded'],
    [{ 'agent.ts': 'enum A { B }\nexport default A;' }, 'no enum'],
  ] as const;
  const started = cases.map(([files, message]) => ({
    message,
    agent: world.launch(world.package({ ...files })),
  }));
  for (const { agent, message } of started) {
    expect(await agent.exited(), message).toBe(78);
    expect(agent.log()).toContain(message);
  }
});

test('a configuration the agent cannot run on ends with 78 after reporting it', async () => {
  world.config = { processing: { timeout: -1 } };
  const statuses = world.collect('opmas.status.*');
  const agent = world.launch(world.package({ 'rules.json': RULES }), { token: world.newToken() });
  expect(await agent.exited()).toBe(78);
  expect(agent.log()).toContain('processing.timeout');
  expect(JSON.stringify(statuses)).toContain('processing.timeout');
});

test('settings that are wrong are all named at once', async () => {
  const agent = world.launch('relative', {
    instanceId: 'no good',
    env: { MANAGEMENT_API_URL: 'nonsense', AGENT_ID: '' },
  });
  expect(await agent.exited()).toBe(78);
  for (const name of ['--package', 'AGENT_ID', 'MANAGEMENT_API_URL', 'OPMAS_INSTANCE_ID']) {
    expect(agent.log()).toContain(name);
  }
});

test('a used token is refused, unless the answer to its first use was lost', async () => {
  const dir = world.package({ 'rules.json': RULES });
  const wrong = world.launch(dir, { token: 'used-up' });
  expect(await wrong.exited()).toBe(1);
  const token = world.newToken();
  const first = await launched(dir, token);
  first.child.kill('SIGKILL');
  await first.exited();
  await launched(dir, token);
  expect(world.calls).toContain('POST /api/v1/agents 401');
  expect(world.calls).toContain(`POST /api/v1/agents/${world.agentId}/credentials 200`);
});

test('the environment layer lies under the server’s configuration', async () => {
  world.config = { monitoring: { log_level: 'ERROR' } };
  const heartbeats = world.collect('opmas.heartbeat.*');
  world.launch(world.package({ 'rules.json': RULES }), {
    token: world.newToken(),
    env: {
      OPMAS_AGENT_PROCESSING__BATCH_SIZE: '7',
      OPMAS_AGENT_MONITORING__LOG_LEVEL: 'DEBUG',
    },
  });
  await waitFor(() => heartbeats.length > 0);
  const answer = await world.command({ command: 'diagnostics' });
  expect(answer).toMatchObject({
    data: { config: { processing: { batch_size: 7 }, monitoring: { log_level: 'ERROR' } } },
  });
});

test('an external broker without authentication is used without credentials', async () => {
  await world.stop();
  world = await World.start({ operator: false });
  const findings = world.collect('findings.>');
  const agent = await launched(world.package({ 'rules.json': RULES }), world.newToken());
  await send('logs.auth', event('Bad password attempt'));
  await waitFor(() => findings.length === 1, { what: agent.log() });
});

test('SIGTERM lets the event in hand finish, its finding included', async () => {
  const findings = world.collect('findings.>');
  const dir = world.package({
    'agent.ts': `
      import { defineAgent } from '@opmas/sdk';
      export default defineAgent({
        type: 'security',
        on: {
          'logs.auth': async (event, ctx) => {
            ctx.log.info('in hand');
            await new Promise((resolve) => setTimeout(resolve, 300));
            await ctx.finding({ type: 't', severity: 'info', description: 'finished' });
          },
        },
      });`,
  });
  const agent = await launched(dir, world.newToken());
  await send('logs.auth', event('x'));
  await waitFor(() => agent.log().includes('in hand'));
  agent.child.kill('SIGTERM');
  expect(await agent.exited()).toBe(0);
  await waitFor(() => findings.length === 1);
  const consumer = await consumerInfo(world.admin, 'EVENTS', 'SecurityAgent=auth');
  expect(consumer).toMatchObject({ ack_pending: 0, pending: 0 });
});

test('SIGTERM ends an agent whose event hangs within the grace of the host, and another instance gets the event', async () => {
  const findings = world.collect('findings.>');
  const dir = world.package({
    'agent.ts': `
      import { defineAgent } from '@opmas/sdk';
      export default defineAgent({
        type: 'security',
        on: {
          'logs.auth': async (event, ctx) => {
            ctx.log.info('in hand');
            if (process.env.OPMAS_INSTANCE_ID === 'first') await new Promise(() => {});
            await ctx.finding({ type: 't', severity: 'info', description: 'finished' });
          },
        },
      });`,
  });
  const env = { OPMAS_STOP_GRACE_MS: '2000' };
  const first = world.launch(dir, { token: world.newToken(), instanceId: 'first', env });
  await send('logs.auth', event('x'));
  await waitFor(() => first.log().includes('in hand'), { timeoutMs: 60_000, what: first.log() });
  first.child.kill('SIGTERM');
  expect(await first.exited()).toBe(0);
  expect(first.log()).toContain('1 messages given back unfinished');
  const second = world.launch(dir, { instanceId: 'second' });
  await waitFor(() => findings.length === 1, { timeoutMs: 60_000, what: second.log() });
});

test('what an agent logs and counts arrives on its own subjects', async () => {
  const logs = world.collect('opmas.logs.agent.*');
  const metrics = world.collect('opmas.metrics.*');
  world.config = { monitoring: { metrics_interval: 1 } };
  const dir = world.package({
    'agent.ts': `
      import { defineAgent } from '@opmas/sdk';
      export default defineAgent({
        type: 'security',
        on: {
          'logs.auth': (event, ctx) => {
            ctx.metrics.increment('logins');
            ctx.log.warning('a login', { user: 'root', password: 'sesame' });
          },
        },
      });`,
  });
  const agent = await launched(dir, world.newToken());
  await send('logs.auth', event('x'));
  await waitFor(() => logs.some((line) => line['message'] === 'a login'), { what: agent.log() });
  expect(logs.find((line) => line['message'] === 'a login')).toMatchObject({
    agent_id: world.agentId,
    level: 'warning',
    context: { user: 'root', password: '******' },
  });
  await waitFor(() => metrics.some((m) => JSON.stringify(m).includes('"logins":1')), {
    what: 'the metric',
  });
  expect(metrics.at(-1)).toMatchObject({ metrics: { events_processed: 1, errors: 0 } });
});

test('killed with SIGKILL amid a load, it makes exactly one finding for each matching event', async () => {
  await world.ensureConsumers(1_000);
  const dir = world.package({
    'agent.ts': `
      import { defineAgent } from '@opmas/sdk';
      export default defineAgent({
        type: 'security',
        on: {
          'logs.auth': async (event, ctx) => {
            await new Promise((resolve) => setTimeout(resolve, 1));
            for (const match of ctx.match(event)) await ctx.finding(match);
          },
        },
      });`,
    'rules.json': RULES,
  });
  const expected = new Set<string>();
  const findings = world.collect('findings.>');
  let agent = await launched(dir, world.newToken());
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 20; i += 1) {
      const events = Array.from({ length: 10 }, (_x, n) =>
        event(n % 2 === 0 ? 'Bad password attempt' : 'all is well'),
      );
      for (const e of events) {
        if (e['message'] !== 'all is well') expected.add(String(e['event_id']));
      }
      await send('logs.auth', ...events);
    }
    await waitFor(() => findings.length > round * 100 + 20, { what: 'work under way' });
    agent.child.kill('SIGKILL');
    await agent.exited();
    agent = await launched(dir);
  }
  const found = () => new Set(findings.map((f) => eventIdOf(f)));
  await waitFor(() => found().size === expected.size, { timeoutMs: 40_000, what: agent.log() });
  expect(found()).toEqual(expected);
  // The stream holds each once, however often it was published.
  const stream = await streamInfo(world.admin, 'FINDINGS');
  expect(stream?.messages).toBe(expected.size);
});

function eventIdOf(finding: Record<string, unknown>): string {
  const { details } = finding;
  return isPlainObject(details) ? String(details['event_id']) : '';
}

describe('an agent on another machine', () => {
  test('enrols without AGENT_ID, says what its package says, and starts again by what its folder keeps', async () => {
    const dir = world.package({ 'rules.json': RULES });
    const token = world.newToken('opmas_enroll_');
    const heartbeats = world.collect('opmas.heartbeat.*');
    const first = world.launch(dir, { token, anonymous: true });
    await waitFor(() => heartbeats.length > 0, { timeoutMs: 60_000, what: first.log() });
    expect(heartbeats[0]).toMatchObject({ agent_id: world.agentId });
    expect(world.registrations).toMatchObject([
      {
        agent_name: world.agentName,
        agent_type: 'security',
        subscribed_topics: world.topics,
        findings_topic: world.findingsTopic,
        description: 'Security monitoring agent for OPMAS',
      },
    ]);
    first.child.kill('SIGTERM');
    expect(await first.exited()).toBe(0);

    // The token is still in its environment, and worth nothing: it is not shown again.
    const later = world.collect('opmas.heartbeat.*');
    const second = world.launch(dir, { token, anonymous: true });
    await waitFor(() => later.length > 0, { timeoutMs: 60_000, what: second.log() });
    expect(later[0]).toMatchObject({ agent_id: world.agentId });
    expect(world.registrations).toHaveLength(1);
  });

  test('with neither a key nor a token it says so and ends', async () => {
    const agent = world.launch(world.package({ 'rules.json': RULES }), { anonymous: true });
    expect(await agent.exited()).toBe(1);
    expect(agent.log()).toContain('ONE_TIME_REGISTRATION_TOKEN');
  });
});

describe('X13 a revoked agent', () => {
  test('ends; its next launch enrols with a new key, as the old one is refused', async () => {
    const dir = world.package({ 'rules.json': RULES });
    const first = await launched(dir, world.newToken());
    const before = readFileSync(join(world.stateDir, 'identity.json'), 'utf8');
    first.child.kill('SIGTERM');
    await first.exited();
    world.burn();
    await launched(dir, world.newToken());
    const after = readFileSync(join(world.stateDir, 'identity.json'), 'utf8');
    expect(after).not.toBe(before);
    expect(new Set(world.registrations.map(({ public_key }) => public_key)).size).toBe(2);
  });
});

describe('X14 a second instance', () => {
  test('ends when it is refused, and leaves the folder to the one that is right', async () => {
    const dir = world.package({ 'rules.json': RULES });
    const first = await launched(dir, world.newToken());
    first.child.kill('SIGKILL');
    await first.exited();
    const path = join(world.stateDir, 'credentials.json');
    const kept = JSON.parse(readFileSync(path, 'utf8')) as object;
    const ended = { ...kept, expires_at: new Date(0).toISOString() };
    writeFileSync(path, JSON.stringify(ended));
    world.duplicate = true;
    const second = world.launch(dir);
    expect(await second.exited()).toBe(1);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(ended);
  });
});
