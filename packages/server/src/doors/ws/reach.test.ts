import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addAgent } from '../../testing/agents.ts';
import { feedClient } from '../../testing/feed-client.ts';
import { type TestServer, testServer } from '../../testing/server.ts';

let server: TestServer;
const agents = { wifi: '', dns: '' };

beforeAll(async () => {
  server = await testServer();
  agents.wifi = await addAgent(server.database, 'wifi');
  agents.dns = await addAgent(server.database, 'dns');
  await server.call('POST', '/api/v1/roles', {
    body: {
      name: 'wifi-only',
      grants: [{ permission: 'agents:read', agents: { types: ['wifi'] } }],
    },
  });
});
afterAll(() => server.stop());

let revision = 0;
/** Changes both agents, dns first: whoever hears of wifi has been passed over for dns before. */
async function changeBoth(): Promise<void> {
  revision += 1;
  const body = { description: `revision ${revision}` };
  for (const id of [agents.dns, agents.wifi]) {
    await server.call('PUT', `/api/v1/agents/${id}`, { body });
  }
}

async function client(role: string, ...topics: string[]) {
  const token = await server.tokenFor({ kind: 'user', roles: [role] });
  return feedClient(server.url, { token, topics });
}

/** The agents heard of once it heard of wifi; facts of agents reach the feed within two seconds. */
async function heardOf(heard: readonly { data: unknown }[]): Promise<string[]> {
  const ids = () =>
    heard.flatMap(({ data }) => (data as { agent_id?: string } | null)?.agent_id ?? []);
  await waitFor(async () => {
    await changeBoth();
    return ids().includes(agents.wifi);
  });
  return ids();
}

describe('X14 the live feed keeps to what a caller reaches', () => {
  test('a grant limited to a type hears of that type alone', async () => {
    const limited = await client('wifi-only', 'agents');
    const ids = new Set(await heardOf(limited.heard));
    expect([...ids]).toEqual([agents.wifi]);
    limited.close();
  });

  test('an unlimited one hears of all', async () => {
    const all = await client('read-only', 'agents');
    await heardOf(all.heard);
    await all.waitFor(({ data }) => JSON.stringify(data).includes(agents.dns));
    all.close();
  });

  test('who comes back with a cursor gets no more than before', async () => {
    const limited = await client('wifi-only', 'agents');
    await heardOf(limited.heard);
    const cursor = limited.heard.findLast((message) => message.cursor !== null)?.cursor ?? '';
    limited.close();
    await changeBoth();
    const token = await server.tokenFor({ kind: 'user', roles: ['wifi-only'] });
    const back = await feedClient(server.url, { token, topics: ['agents'], cursor });
    const ids = new Set(await heardOf(back.heard));
    expect([...ids]).toEqual([agents.wifi]);
    back.close();
  });

  test('logs of an agent out of reach are refused', async () => {
    const inside = await client('wifi-only', `logs:${agents.wifi}`);
    const outside = await client('wifi-only', `logs:${agents.dns}`);
    expect((await outside.waitForClose()).code).toBe(4403);
    expect(inside.closed()).toBeUndefined();
    inside.close();
  });

  test('a role that loses its grant ends the connection within five seconds', async () => {
    await server.call('POST', '/api/v1/roles', {
      body: { name: 'passing', grants: [{ permission: 'agents:read' }] },
    });
    const passing = await client('passing', 'agents');
    await heardOf(passing.heard);
    await server.call('PUT', '/api/v1/roles/passing', { body: { grants: [] } });
    expect((await passing.waitForClose()).code).toBe(4403);
  });

  test('a revoked API token ends its connection within five seconds', async () => {
    const made = await server.call('POST', '/api/v1/tokens', {
      body: { kind: 'api', name: 'watch', roles: ['read-only'] },
    });
    const { token, token_id: id } = made.body as { token: string; token_id: string };
    const watching = await feedClient(server.url, { token, topics: ['agents'] });
    await heardOf(watching.heard);
    await server.call('DELETE', `/api/v1/tokens/${id}`);
    expect((await watching.waitForClose()).code).toBe(4403);
  });
});
