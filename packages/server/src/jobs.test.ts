/** Jobs on a whole server: asked for over HTTP, carried out by its engine, told live, kept on record. */
import type { Job } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from './kernel/sql.ts';
import { addAgent } from './testing/agents.ts';
import { feedClient } from './testing/feed-client.ts';
import { itemsOf, LONG } from './testing/fleet.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
const agents = { wifi: '', dns: '' };

beforeAll(async () => {
  // These agents are rows alone, and confirm nothing.
  server = await testServer({ env: { OPMAS_CONFIG_DEADLINE: '1s' } });
  agents.wifi = await addAgent(server.database, 'wifi');
  agents.dns = await addAgent(server.database, 'dns');
  const grants = ['jobs:read', 'jobs:write', 'agents:write'].map((permission) => ({
    permission,
    agents: { types: ['wifi'] },
  }));
  await server.call('POST', '/api/v1/roles', { body: { name: 'wifi-only', grants } });
});
afterAll(() => server.stop());

const tags = (ids: readonly string[], add: string) => ({
  kind: 'action',
  action: 'tags',
  agent_ids: ids,
  arguments: { add: [add] },
  gates: { settle_seconds: 0 },
});

async function ended(jobId: string): Promise<Job> {
  return waitFor(async () => {
    const { body } = await server.call('GET', `/api/v1/jobs/${jobId}`);
    return (body as Job).deadline === null ? (body as Job) : undefined;
  }, LONG);
}

test('an action is carried out, its agents are listed, and the audit log tells who asked', async () => {
  const made = await server.call('POST', '/api/v1/jobs', {
    body: tags([agents.wifi, agents.dns], 'first'),
  });
  expect(made.status, JSON.stringify(made.body)).toBe(202);
  const { job_id: id } = made.body as Job;
  expect(await ended(id)).toMatchObject({ state: 'succeeded', counts: { done: 2 } });
  const listed = await server.call('GET', `/api/v1/jobs/${id}/agents?outcome=done&limit=1`);
  expect(itemsOf(listed.body)).toHaveLength(1);
  const cursor = (listed.body as { next_cursor: string }).next_cursor;
  const rest = await server.call('GET', `/api/v1/jobs/${id}/agents?cursor=${cursor}`);
  expect(itemsOf(rest.body)).toHaveLength(1);
  const all = await server.call('GET', '/api/v1/jobs?state=succeeded&kind=action');
  expect(itemsOf<Job>(all.body).map(({ job_id }) => job_id)).toEqual([id]);
  const { rows } = await sql<{ action: string; outcome: string }>`
    SELECT action, outcome FROM audit_log WHERE object = ${id} ORDER BY id`.execute(
    server.database.pool,
  );
  expect(rows.map(({ action }) => action)).toEqual([
    'jobs.create',
    'jobs.wave_started',
    'jobs.wave_passed',
    'jobs.wave_started',
    'jobs.wave_passed',
    'jobs.ended',
  ]);
});

test('a rollout holds the layer, goes back when it is cancelled, and frees it', async () => {
  const made = await server.call('POST', '/api/v1/jobs', {
    headers: { 'if-none-match': '*' },
    body: {
      kind: 'rollout',
      scope: 'fleet',
      document: { monitoring: { heartbeat_interval: 11 } },
      reason: 'quieter',
      gates: { max_failures: 10, settle_seconds: 600 },
    },
  });
  expect(made.status, JSON.stringify(made.body)).toBe(202);
  const { job_id: id } = made.body as Job;
  const put = await server.call('PUT', '/api/v1/config', { body: {} });
  expect(put.status).toBe(409);
  expect(JSON.stringify(put.body)).toContain(`opmas jobs cancel ${id}`);
  const second = await server.call('POST', '/api/v1/jobs', {
    body: { kind: 'rollout', scope: 'fleet', document: {} },
  });
  expect([second.status, JSON.stringify(second.body).includes(id)]).toEqual([409, true]);
  const cancelled = await server.call('POST', `/api/v1/jobs/${id}/cancel`);
  expect(cancelled.status).toBe(202);
  expect(await ended(id)).toMatchObject({ state: 'cancelled', back_version: 2 });
  expect((await server.call('POST', `/api/v1/jobs/${id}/cancel`)).status).toBe(409);
  const after = await server.call('PUT', '/api/v1/config', {
    headers: { 'if-match': '"2"' },
    body: {},
  });
  expect(after.status).toBe(200);
});

test('is told live, to who reaches every agent of it', async () => {
  const watcher = async (role: string) => {
    const token = await server.tokenFor({ kind: 'user', roles: [role] });
    return feedClient(server.url, { token, topics: ['jobs'] });
  };
  const all = await watcher('read-only');
  const limited = await watcher('wifi-only');
  const make = async (ids: readonly string[], tag: string) => {
    const { body } = await server.call('POST', '/api/v1/jobs', { body: tags(ids, tag) });
    return (body as Job).job_id;
  };
  const is = (id: string) => (message: { type: string; data: unknown }) =>
    message.type === 'job' && (message.data as Job).job_id === id;
  const theirs = await make([agents.wifi, agents.dns], 'second');
  await all.waitFor((message) => is(theirs)(message) && (message.data as Job).deadline === null);
  // Facts of agents reach the feed within two seconds: until then nothing is told of them.
  const own = await waitFor(async () => {
    const id = await make([agents.wifi], `t${Math.random()}`.slice(0, 20));
    await ended(id);
    return limited.heard.some(is(id)) ? id : undefined;
  }, LONG);
  const last = await limited.waitFor(
    (message) => is(own)(message) && (message.data as Job).deadline === null,
  );
  expect(last.data).toMatchObject({ state: 'succeeded', agent_ids: [agents.wifi] });
  expect(limited.heard.some(is(theirs))).toBe(false);
  all.close();
  limited.close();
});

test('limited to some agents: no job beyond them is made, seen or touched', async () => {
  const token = await server.tokenFor({ kind: 'user', roles: ['wifi-only'] });
  const call = (method: string, path: string, body?: unknown) =>
    server.call(method, `/api/v1/jobs${path}`, { token, ...(body === undefined ? {} : { body }) });
  expect((await call('POST', '', tags([agents.wifi, agents.dns], 'x'))).status).toBe(403);
  const rollout = { kind: 'rollout', scope: 'fleet', document: {} };
  expect((await call('POST', '', rollout)).status).toBe(403);
  const restart = { kind: 'action', action: 'restart', agent_ids: [agents.wifi] };
  expect((await call('POST', '', restart)).status).toBe(403);
  const beyond = await server.call('POST', '/api/v1/jobs', {
    body: tags([agents.wifi, agents.dns], 'y'),
  });
  const { job_id: id } = beyond.body as Job;
  for (const [method, path] of [
    ['GET', `/${id}`],
    ['GET', `/${id}/agents`],
    ['POST', `/${id}/cancel`],
    ['POST', `/${id}/pause`],
    ['POST', `/${id}/retry`],
  ] as const) {
    expect([path, (await call(method, path)).status]).toEqual([path, 404]);
  }
  const own = await call('POST', '', tags([agents.wifi], 'z'));
  expect(own.status).toBe(202);
  const listed = itemsOf<Job>((await call('GET', '')).body).map(({ job_id }) => job_id);
  expect(listed).toContain((own.body as Job).job_id);
  expect(listed).not.toContain(id);
});
