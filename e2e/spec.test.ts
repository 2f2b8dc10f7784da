/** The examples of the specification that concern a running agent, on the running product, word for word. */
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Bus, connectBus, systemInbox } from '@opmas/bus';
import { readSettings } from '@opmas/launcher';
import {
  AgentId,
  ControlReply,
  check,
  FeedMessage,
  type FindingRecord,
  JsonObject,
  MetricSeries,
  Type,
} from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checked } from './api.ts';
import { limits } from './limits.ts';
import { copyAgent, type Product, startProduct } from './product.ts';

const SPEC = join(import.meta.dirname, 'spec');
const example = (name: string): string => readFileSync(join(SPEC, name), 'utf8');

const ConfigAnswer = Type.Object({
  agent_id: Type.String(),
  version: Type.Integer(),
  hash: Type.String(),
  config: JsonObject,
  origins: Type.Optional(Type.Record(Type.String(), Type.String())),
});
type AgentConfig = Record<string, unknown>;

let product: Product;
let agentId: string;
/** As the example's `api`: an HTTP client with the base of the API and a `data` in its answers. */
const api = {
  put: async (path: string, body: unknown) => {
    const { status, body: data } = await product.call('PUT', `/api/v1${path}`, { body });
    if (status !== 200) throw new Error(`PUT ${path}: ${status} ${JSON.stringify(data)}`);
    return { data };
  },
  get: async (path: string) => ({ data: (await product.call('GET', `/api/v1${path}`)).body }),
};

beforeAll(async () => {
  product = await startProduct({ agents: [] });
}, limits.startMs);

afterAll(() => product?.stop(), limits.stopMs * 2);

const configOf = (query = '') => product.read(ConfigAnswer, `/agents/${agentId}/config${query}`);

test(
  'the five lines of .env.discovery make an agent, with the format of its id',
  async () => {
    const folder = join(product.agentsDir, 'security_agent');
    copyAgent(join(SPEC, 'security_agent'), product.agentsDir);
    cpSync(join(SPEC, 'management-discovery.ini'), join(folder, '.env.discovery'));
    const agent = await product.waitForAgent('SecurityAgent');
    expect(agent).toMatchObject({
      name: 'SecurityAgent',
      version: '1.0.0',
      description: 'Security monitoring agent',
      type: 'security',
    });
    expect(agent.agent_id).toMatch(/^security-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(check(AgentId, 'security-550e8400-e29b-41d4-a716-446655440000')).toBe(true);
    agentId = agent.agent_id;
    expect((await configOf()).config).toMatchObject({
      subscribed_topics: ['logs.security', 'logs.auth'],
      findings_topic: 'findings.security',
    });
    rmSync(folder, { recursive: true });
    await product.waitForAgent('SecurityAgent', ({ status }) => status === 'removed');
  },
  limits.agentsMs * 2,
);

test(
  'the whole .env.discovery makes an agent with all it says',
  async () => {
    // Another folder: the same version with other files in the first one would be refused.
    cpSync(join(SPEC, 'security_agent'), join(product.agentsDir, 'guard'), { recursive: true });
    const agent = await product.waitForAgent('SecurityAgent');
    expect(agent).toMatchObject({
      type: 'security',
      version: '1.0.0',
      description: 'Security monitoring agent for OPMAS',
      tags: ['security', 'monitoring', 'logs'],
    });
    agentId = agent.agent_id;
    const found = (await product.packages()).find(({ name }) => name === 'SecurityAgent');
    expect(found).toMatchObject({ state: 'running', errors: [] });
    expect(found?.warnings).toMatchObject([{ code: 'unknown_dependency' }]);
    expect(found?.warnings[0]?.message).toContain('nats-py');
  },
  limits.agentsMs,
);

test('OPMAS_NATS_URL is a setting, and the environment layer of nats.url', async () => {
  const [name = '', value = ''] = 'OPMAS_NATS_URL=nats://nats:4222'.split('=');
  const settings = readSettings({ [name]: value }, '/');
  expect(settings).toMatchObject({ ok: true, value: { nats: { url: 'nats://nats:4222' } } });
  const { origins } = await configOf('?origins=true');
  expect(origins?.['nats.url']).toBe('environment');
});

test(
  'the default configuration holds by itself, and is taken as it stands',
  async () => {
    const canonical = {
      monitoring: { log_level: 'INFO', metrics_enabled: true, heartbeat_interval: 30 },
    };
    expect((await configOf()).config).toMatchObject(canonical);
    const document = example('default-configuration.py.txt').replace('True', 'true');
    const { status } = await product.call('PUT', `/api/v1/agents/${agentId}/config`, {
      raw: document,
    });
    expect(status).toBe(200);
    const { config } = await configOf();
    expect(config).toMatchObject({ ...canonical, nats: { url: 'nats://localhost:4222' } });
    for (const flat of ['nats_url', 'log_level', 'metrics_enabled', 'heartbeat_interval']) {
      expect(config).not.toHaveProperty(flat);
    }
  },
  limits.agentsMs,
);

/** Posts the message until the agent has found it: a configuration reaches it a moment after its answer. */
async function provoke(message: string, ruleId: string): Promise<FindingRecord> {
  for (let attempt = 1; ; attempt += 1) {
    const event_id = `e-${ruleId}-${attempt}`;
    const event = { event_id, type: 'auth', message, fields: { password: 'hunter2' } };
    const posted = await product.call('POST', '/api/v1/events', { body: [event] });
    expect(posted).toMatchObject({ status: 202 });
    try {
      return await waitFor(
        async () => {
          const found = await product.findings({ agent_id: agentId });
          return found.find(({ details }) => details['rule_id'] === ruleId);
        },
        { timeoutMs: limits.attemptMs, what: `a finding by ${ruleId}` },
      );
    } catch (error) {
      if (attempt === limits.attempts) throw error;
    }
  }
}

test(
  'the operational configuration is taken as it stands, and the running agent follows it',
  async () => {
    async function updateAgentConfig(agentId: string, config: AgentConfig) {
      const response = await api.put(`/agents/${agentId}/config`, config);
      return response.data;
    }
    const before = await product.agent('SecurityAgent');
    const document = checked(JsonObject, JSON.parse(example('operational-configuration.json')), '');
    const answer = checked(ConfigAnswer, await updateAgentConfig(agentId, document), 'PUT config');
    expect(answer.agent_id).toBe(agentId);
    const { processing, monitoring, rules } = document;
    const { config } = await configOf();
    expect(config).toMatchObject({
      processing,
      monitoring,
      rules,
      nats: { url: 'nats://nats:4222' },
    });
    expect(config).not.toHaveProperty('agent_id');
    expect(config).not.toHaveProperty('nats.credentials');

    const finding = await provoke('Failed login attempt for admin', 'rule-1');
    expect(finding).toMatchObject({
      type: 'generic_alert',
      severity: 'warning',
      description: "Rule 'Failed Login Detection' matched",
      topic: 'findings.security',
      details: {
        matched_pattern: 'Failed login attempt',
        event: { type: 'auth', fields: { password: '******' } },
      },
    });
    expect(await product.agent('SecurityAgent')).toMatchObject({ pid: before.pid, restarts: 0 });
  },
  limits.agentsMs,
);

test(
  'the control message changes the rules of the running agent, which tells its health',
  async () => {
    const rule = {
      id: 'rule-2',
      name: 'Door',
      pattern: 'door left open',
      severity: 'error',
      action: 'alert',
    };
    const message = example('control-update-config.txt').replace('[...]', JSON.stringify([rule]));
    const bus = await asServer();
    const command = async (text: string) => {
      const { data } = await bus.request('opmas.control.SecurityAgent', text, {
        timeoutMs: 20_000,
      });
      return checked(ControlReply, JSON.parse(Buffer.from(data).toString('utf8')), 'the reply');
    };
    try {
      expect(await command(message)).toMatchObject({ ok: true, agent_id: agentId });
      expect(await provoke('the door left open at 3', 'rule-2')).toMatchObject({
        severity: 'error',
      });
      const health = await command(
        JSON.stringify({ command: 'health', timestamp: '2025-05-27T12:00:00Z' }),
      );
      expect(health.data).toMatchObject({
        status: 'healthy',
        metrics: { errors: 0, active_rules: 1 },
      });
    } finally {
      await bus.close();
    }
  },
  limits.agentsMs,
);

/** Only the server may command agents: its own user, as the launcher keeps it. */
function asServer(): Promise<Bus> {
  const file = join(product.dataDir, 'agents', agentId, 'credentials.json');
  const Kept = Type.Object({ nats: Type.Object({ url: Type.String() }) });
  const { nats } = checked(Kept, JSON.parse(readFileSync(file, 'utf8')), file);
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  return connectBus({
    url: nats.url,
    name: 'test',
    inboxPrefix: systemInbox.server,
    credsFile: join(product.dataDir, 'keys', 'nats-server.creds'),
    logger: quiet,
  });
}

test(
  'the WebSocket snippet hears JSON on /agents/ws',
  async () => {
    const heard: unknown[] = [];
    const updateAgentStatus = (data: unknown) => heard.push(data);
    const ws = new WebSocket(
      'ws://api.opmas/agents/ws'.replace('api.opmas', new URL(product.url).host),
    );
    ws.onopen = () => {
      ws.send(JSON.stringify({ type: 'auth', token: product.token }));
      ws.send(JSON.stringify({ type: 'subscribe', topics: ['agents'] }));
    };
    ws.onmessage = (event) => {
      const data = JSON.parse(event.data);
      updateAgentStatus(data);
    };
    const isSnapshot = (data: unknown) => check(FeedMessage, data) && data.type === 'snapshot';
    await waitFor(() => heard.some(isSnapshot), { timeoutMs: limits.waitMs });
    await product.command(agentId, 'restart');
    const about = (data: unknown) =>
      check(FeedMessage, data) &&
      data.type === 'agent.status' &&
      JSON.stringify(data).includes(agentId);
    await waitFor(() => heard.some(about), {
      timeoutMs: limits.waitMs,
      what: 'a status of the agent',
    });
    ws.close();
  },
  limits.agentsMs * 2,
);

test('the metrics of the dashboard snippet are series', async () => {
  const drawn: MetricSeries[] = [];
  const renderMetricsChart = (data: unknown) => drawn.push(checked(MetricSeries, data, 'metrics'));
  await waitFor(
    async () => {
      const metrics = await api.get(`/agents/${agentId}/metrics`);
      renderMetricsChart(metrics.data);
      const names = drawn.at(-1)?.series.map(({ name }) => name) ?? [];
      return ['events_processed', 'errors', 'active_rules'].every((name) => names.includes(name));
    },
    { timeoutMs: limits.waitMs, what: 'metrics of the agent, which it sends when it restarts' },
  );
});

test('curl -f http://api.opmas/health succeeds, without a token', async () => {
  const answer = await fetch(
    'http://api.opmas/health'.replace('api.opmas', new URL(product.url).host),
  );
  expect(answer.status).toBeLessThan(400);
  expect(await answer.json()).toMatchObject({ status: 'ready' });
});
