/** The specification's registration and messages, word for word, between a foreign agent and a whole server. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bus, connectBus } from '@opmas/bus';
import {
  AgentHealth,
  FindingRecord,
  inboxPrefix,
  JsonObject,
  MetricSeries,
  RegistrationAnswer,
} from '@opmas/protocol';
import { type TestServer, testServer } from '@opmas/server/testing';
import { waitFor } from '@opmas/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checked } from './api.ts';
import { feedClient } from './feed-client.ts';
import { limits } from './limits.ts';

const example = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'spec', name), 'utf8');
const ID = 'security-123';

let server: TestServer;
let registered: RegistrationAnswer;
let agent: Bus;

beforeAll(async () => {
  server = await testServer();
  const sql = new pg.Client(server.testDatabase.superUrl);
  await sql.connect();
  await sql.query(
    `INSERT INTO agents (id, name, type, version, status, subscribed_topics, findings_topic, created_at, updated_at)
     VALUES ($1, 'SecurityAgent', 'security', '1.0.0', 'registered', '{logs.security,logs.auth}', 'findings.security', now(), now())`,
    [ID],
  );
  await sql.query(
    `INSERT INTO registration_tokens (token_hash, agent_id, expires_at) VALUES ($1, $2, now() + interval '10 minutes')`,
    [createHash('sha256').update('one-time-token').digest('hex'), ID],
  );
  await sql.end();
}, limits.startMs);

afterAll(async () => {
  await agent?.close();
  await server?.stop();
}, limits.stopMs);

test('the registration body gives an id, credentials and a token, once', async () => {
  const send = () =>
    server.call('POST', '/api/v1/agents', { raw: example('registration.json'), token: null });
  const { status, body } = await send();
  expect(status).toBe(201);
  registered = checked(RegistrationAnswer, body, 'the registration');
  expect(registered).toMatchObject({
    agent_id: ID,
    nats: {
      credentials: { jwt: expect.any(String) as string, seed: expect.any(String) as string },
    },
  });
  expect(await send()).toMatchObject({ status: 401, body: { code: 'OPMAS_TOKEN_INVALID' } });
});

test('its credentials reach the broker, its token the configuration', async () => {
  const { url, credentials } = registered.nats;
  if (credentials?.seed === undefined) throw new Error('no seed');
  const { jwt, seed } = credentials;
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  agent = await connectBus({
    url,
    name: 'foreign agent',
    inboxPrefix: inboxPrefix('SecurityAgent'),
    credentials: () => ({ jwt, seed }),
    logger: quiet,
    connectTimeoutMs: limits.waitMs,
  });
  const config = await server.call('GET', `/api/v1/agents/${ID}/config`, {
    token: registered.access_token,
  });
  expect(config).toMatchObject({ status: 200, body: { agent_id: ID } });
});

async function read<S extends Parameters<typeof checked>[0]>(schema: S, path: string) {
  const { status, body } = await server.call('GET', `/api/v1${path}`);
  return checked(schema, body, `GET ${path} (${status})`);
}

test('the heartbeat is the agent’s health', async () => {
  const health = await waitFor(
    async () => {
      // At most once by design, so agents repeat it.
      agent.publish('opmas.heartbeat.SecurityAgent', example('heartbeat.json'));
      const now = await read(AgentHealth, `/agents/${ID}/health`);
      return now.last_heartbeat === null ? undefined : now;
    },
    { timeoutMs: limits.waitMs, what: 'the heartbeat' },
  );
  expect(health).toMatchObject({ agent_id: ID, status: 'healthy', uptime: 3600 });
});

test('the metrics are points of their series, at their time', async () => {
  agent.publish('opmas.metrics.SecurityAgent', example('metrics.json'));
  const path = `/agents/${ID}/metrics?from=2025-05-27T00:00:00Z&to=2025-05-28T00:00:00Z`;
  const { series } = await waitFor(
    async () => {
      const answer = await read(MetricSeries, path);
      return answer.series.length > 0 ? answer : undefined;
    },
    { timeoutMs: limits.waitMs, what: 'the metrics' },
  );
  expect(Object.fromEntries(series.map(({ name, points }) => [name, points]))).toEqual({
    events_processed: [['2025-05-27T12:00:00.000Z', 1000]],
    errors: [['2025-05-27T12:00:00.000Z', 5]],
    processing_time: [['2025-05-27T12:00:00.000Z', 0.5]],
  });
});

test('the finding is recorded once as it is, and told', async () => {
  const feed = await feedClient({
    url: server.url,
    token: server.ownerToken,
    topics: ['findings'],
    path: '/agents/ws',
  });
  agent.publish('findings.security', example('finding.json'));
  agent.publish('findings.security', example('finding.json'));
  await feed.waitFor(({ type }) => type === 'finding', 'the finding on the feed');
  feed.close();
  const finding = await read(FindingRecord, '/findings/f-123');
  expect(finding).toMatchObject({
    ...checked(JsonObject, JSON.parse(example('finding.json')), 'the example'),
    timestamp: '2025-05-27T12:00:00.000Z',
    agent_name: 'SecurityAgent',
    topic: 'findings.security',
    status: 'open',
  });
  const { body } = await server.call('GET', '/api/v1/findings');
  expect(body).toMatchObject({ items: [{ finding_id: 'f-123' }], next_cursor: null });
});
