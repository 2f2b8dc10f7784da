/** What one agent says of itself, however absurd, harms nobody else. */
import { type Bus, publishDurable } from '@opmas/bus';
import type { Agent } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { itemsOf, LONG, registeredAgent, testBus } from '../../testing/fleet.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import { trimUsage } from '../rules/index.ts';
import type { Source } from './schemas.ts';
import { trimSources } from './sources.store.ts';

let server: TestServer;
let bus: Bus;
let hostile: Agent;
let honest: Agent;
let published = 0;

beforeAll(async () => {
  server = await testServer();
  bus = await testBus(server);
  hostile = await registeredAgent(server, 'Hostile');
  honest = await registeredAgent(server, 'Honest');
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

const now = () => new Date().toISOString();

async function say(kind: 'status' | 'metrics' | 'logs.agent', agent: Agent, more: object) {
  published += 1;
  const message = { agent_id: agent.agent_id, timestamp: now(), ...more };
  await publishDurable(bus, `opmas.${kind}.${agent.name}`, JSON.stringify(message), {
    msgId: `said-${published}`,
  });
}

/** Everything said so far has been taken in. */
async function heard(): Promise<void> {
  published += 1;
  const message = `heard ${published}`;
  await say('logs.agent', honest, { level: 'info', message });
  const path = `/api/v1/agents/${honest.agent_id}/logs?q=${encodeURIComponent(message)}`;
  await waitFor(async () => {
    const { body } = await server.call('GET', path);
    return itemsOf(body).length === 1;
  }, LONG);
}

const beatOf = (agent: Agent, more: object = {}) =>
  JSON.stringify({
    agent_id: agent.agent_id,
    status: 'healthy',
    timestamp: now(),
    uptime: 1,
    ...more,
  });

test('a heartbeat that cannot be stored keeps no other from being stored', async () => {
  bus.publish(`opmas.heartbeat.${hostile.name}`, beatOf(hostile, { config_version: 1e300 }));
  await bus.flush();
  bus.publish(`opmas.heartbeat.${honest.name}`, beatOf(honest));
  await waitFor(async () => {
    const rows = await server.database.pool
      .selectFrom('agent_liveness')
      .select('agent_id')
      .execute();
    return rows.some(({ agent_id }) => agent_id === honest.agent_id);
  }, LONG);
});

test('a status that cannot be stored holds nothing up behind it', async () => {
  const disabled = { rule_id: 'r1', rule_version: 'v1', reason: 'took too long' };
  await say('status', hostile, {
    status: 'degraded',
    disabled_rules: [{ ...disabled, since: '2026-01-01T00:00:00+23:00' }],
  });
  await heard();
});

test('counts without end break neither the list of rules nor its upkeep', async () => {
  for (const instance_id of ['i1', 'i2', 'i3']) {
    await say('metrics', hostile, {
      instance_id,
      metrics: {},
      rules: [{ rule_id: 'r1', hits: 9e18, last_hit: '2222-01-01T00:00:00Z' }],
    });
  }
  await heard();
  const listed = await server.call('GET', '/api/v1/rules');
  expect(listed.status, JSON.stringify(listed.body)).toBe(200);
  const [rule] = itemsOf<{ last_hit: string }>(listed.body);
  expect(Date.parse(rule?.last_hit ?? '')).toBeLessThanOrEqual(Date.now());
  await trimUsage(server.database.pool, new Date(Date.now() + 60_000));
  await trimUsage(server.database.pool, new Date(Date.now() + 60_000));
  expect((await server.call('GET', '/api/v1/rules')).status).toBe(200);
});

const sources = async (query = '') => {
  const { status, body } = await server.call('GET', `/api/v1/sources?${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body as { items: Source[]; next_cursor: string | null };
};

test('figures of sources without bounds break neither their list nor its upkeep', async () => {
  const source = { topic: 'logs.security', first_at: '0001-01-01T00:00:00Z' };
  const at = Date.now() - 100_000;
  await say('metrics', hostile, {
    metrics: {},
    sources: [{ ...source, last_at: '0001-01-01T00:00:00+23:00', beats: 1, longest_gap: 1e300 }],
  });
  for (const [n, instance_id] of ['i1', 'i2', 'i3'].entries()) {
    const last_at = new Date(at + n).toISOString();
    await say('metrics', hostile, {
      instance_id,
      metrics: {},
      sources: [{ ...source, last_at, beats: 9e18, longest_gap: 1e300 }],
    });
  }
  await heard();
  expect((await sources()).items).toHaveLength(1);
  await trimSources(server.database.pool, new Date(0));
  expect((await sources()).items).toHaveLength(1);
});

test('sources told to the microsecond come once each, page by page', async () => {
  const beat = { topic: 'logs.wifi', first_at: now(), beats: 1, longest_gap: 1 };
  const last = new Date(Date.now() - 50_000).toISOString().slice(0, -1);
  await say('metrics', honest, {
    metrics: {},
    sources: ['a', 'b', 'c'].map((host, n) => ({ ...beat, host, last_at: `${last}${n + 1}01Z` })),
  });
  await heard();
  const hosts: (string | null)[] = [];
  const query = `agent_id=${honest.agent_id}&limit=1`;
  let page = await sources(query);
  for (let n = 0; n < 5; n += 1) {
    hosts.push(...page.items.map(({ host }) => host));
    if (page.next_cursor === null) break;
    page = await sources(`${query}&cursor=${page.next_cursor}`);
  }
  expect(new Set(hosts)).toEqual(new Set(['a', 'b', 'c']));
  expect(hosts).toHaveLength(3);
});
