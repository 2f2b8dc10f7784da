/** Drafts rolled out over HTTP: who may, what a conflict names, what is on record, and that secrets stay inside. */
import type { Job, Problem } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { sql } from './kernel/sql.ts';
import { addAgent } from './testing/agents.ts';
import { LONG } from './testing/fleet.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
let wifi = '';

beforeAll(async () => {
  // This agent is a row alone, and confirms nothing.
  server = await testServer({ env: { OPMAS_CONFIG_DEADLINE: '1s' } });
  wifi = await addAgent(server.database, 'wifi');
});
afterAll(() => server.stop());
beforeEach(async () => {
  expect((await call('PUT', '/config', { body: {} })).status).toBe(200);
});

type Options = Parameters<TestServer['call']>[2];
const call = (method: string, path: string, options?: Options) =>
  server.call(method, `/api/v1${path}`, options);

interface Draft {
  draft_id: string;
  version: number;
  job_id: string | null;
  returned: { job_id: string; reason: string } | null;
  moved: boolean;
}

async function draft(document: object): Promise<string> {
  const answer = await call('POST', '/drafts', {
    body: { scope: 'fleet', document, reason: 'quieter' },
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return (answer.body as Draft).draft_id;
}
const shown = async (id: string) => (await call('GET', `/drafts/${id}`)).body as Draft;
/** Watched for so long that it does not end by itself. */
const SLOW = { gates: { max_failures: 10, settle_seconds: 600 } };
const rollOut = (id: string, more: object = {}, options: Options = {}) =>
  call('POST', '/jobs', { ...options, body: { kind: 'rollout', draft_id: id, ...SLOW, ...more } });
const problemOf = ({ status, body }: { status: number; body: unknown }) => {
  const { code, job_id } = body as Problem;
  return { status, code, job_id };
};

async function cancelled(id: string): Promise<Job> {
  expect((await call('POST', `/jobs/${id}/cancel`)).status).toBe(202);
  return waitFor(async () => {
    const job = (await call('GET', `/jobs/${id}`)).body as Job;
    return job.deadline === null ? job : undefined;
  }, LONG);
}

test('is taken over, named in conflicts, given back with the reason, and on record', async () => {
  const id = await draft({ monitoring: { heartbeat_interval: 11 } });
  const answers = await Promise.all([rollOut(id, { draft_version: 1 }), rollOut(id)]);
  const won = answers.find(({ status }) => status === 202);
  const job = won?.body as Job;
  expect(job).toMatchObject({ draft_id: id, purpose: 'quieter', scope: 'fleet' });
  const held = { status: 409, code: 'OPMAS_CONFLICT', job_id: job.job_id };
  for (const answer of [
    ...answers.filter((each) => each !== won),
    await rollOut(id),
    await call('PUT', `/drafts/${id}`, { body: { document: {} } }),
    await call('POST', `/drafts/${id}/publish`, { body: {} }),
    await call('POST', `/drafts/${id}/rebase`, { body: {} }),
    await call('DELETE', `/drafts/${id}`),
    await call('PUT', '/config', { body: {} }),
  ]) {
    expect(problemOf(answer)).toEqual(held);
  }
  expect(await shown(id)).toMatchObject({ job_id: job.job_id, moved: false });
  const { reason } = await cancelled(job.job_id);
  expect(await shown(id)).toMatchObject({
    job_id: null,
    version: 2,
    moved: false,
    returned: { job_id: job.job_id, reason },
  });
  const { rows } = await sql<{ action: string; details: object; object: string }>`
    SELECT action, details, object FROM audit_log
    WHERE outcome = 'ok' AND object = ANY(${[id, job.job_id]}) ORDER BY id`.execute(
    server.database.pool,
  );
  expect(rows.map(({ action }) => action).filter((each) => !each.includes('wave'))).toEqual([
    'drafts.create',
    'jobs.create',
    'jobs.cancel',
    'jobs.taken_back',
    'jobs.ended',
    'drafts.returned',
  ]);
  expect(rows.find(({ action }) => action === 'jobs.create')?.details).toMatchObject({
    draft_id: id,
    draft_version: 1,
    reason: 'quieter',
  });
});

test('a stale one is refused as its publication is', async () => {
  const id = await draft({ own: 1 });
  expect((await call('PUT', '/config', { body: { own: 2 } })).status).toBe(200);
  const stale = { status: 412, code: 'OPMAS_VERSION_CONFLICT', job_id: undefined };
  expect(problemOf(await rollOut(id))).toEqual(stale);
  expect(problemOf(await call('POST', `/drafts/${id}/publish`, { body: {} }))).toEqual(stale);
  expect(await shown(id)).toMatchObject({ job_id: null, moved: true });
});

test('needs both permissions, and tells who has one nothing of it', async () => {
  const id = await draft({ own: 1 });
  for (const [n, permissions] of [
    ['configs:read', 'configs:write', 'jobs:read'],
    ['configs:read', 'jobs:read', 'jobs:write'],
  ].entries()) {
    const grants = permissions.map((permission) => ({ permission }));
    const role = await call('POST', '/roles', { body: { name: `half-${n}`, grants } });
    expect(role.status, JSON.stringify(role.body)).toBe(201);
    const token = await server.tokenFor({ kind: 'user', roles: [`half-${n}`] });
    for (const each of [id, '00000000-0000-4000-8000-000000000000']) {
      expect((await rollOut(each, {}, { token })).status).toBe(403);
    }
  }
  expect(await shown(id)).toMatchObject({ job_id: null });
  const unknown = await rollOut('00000000-0000-4000-8000-000000000000');
  expect(problemOf(unknown)).toMatchObject({ status: 404, code: 'OPMAS_NOT_FOUND' });
});

test('its secrets are told to its agents alone, and outlive a way back and the draft', async () => {
  const id = await draft({ own: { password: { $secret: 'hidden-one' }, n: 1 } });
  const made = await rollOut(id);
  expect(made.status, JSON.stringify(made.body)).toBe(202);
  const first = made.body as Job;
  const told = async () => {
    const token = await server.tokenFor({ kind: 'agent', id: wifi, name: 'wifi' });
    const { body } = await call('GET', `/agents/${wifi}/config`, { token });
    return (body as { config: { own?: object } }).config.own;
  };
  await waitFor(async () => (await told()) !== undefined, LONG);
  expect(await told()).toEqual({ password: 'hidden-one', n: 1 });
  await cancelled(first.job_id);
  expect(await told()).toBeUndefined();

  // The mask keeps what the draft had, though the layer owns it now.
  const changed = await call('PUT', `/drafts/${id}`, {
    body: { document: { own: { password: { $secret: '********' }, n: 2 } } },
  });
  expect(changed.status, JSON.stringify(changed.body)).toBe(200);
  const second = (await rollOut(id)).body as Job;
  await waitFor(async () => (await told()) !== undefined, LONG);
  expect(await told()).toEqual({ password: 'hidden-one', n: 2 });
  await cancelled(second.job_id);
  expect((await call('DELETE', `/drafts/${id}`)).status).toBe(204);

  // The history still has both versions, with their secret.
  const back = await call('POST', '/config/rollback', { body: { version: first.to_version } });
  expect(back.status, JSON.stringify(back.body)).toBe(200);
  expect(await told()).toEqual({ password: 'hidden-one', n: 1 });

  const { rows } = await sql<{ details: { newly_set?: string[] } }>`
    SELECT details FROM audit_log WHERE action = 'jobs.create' AND outcome = 'ok'
      AND object = ANY(${[first.job_id, second.job_id]})`.execute(server.database.pool);
  expect(rows.map(({ details }) => details.newly_set)).toEqual([
    ['/own/password'],
    ['/own/password'],
  ]);
  const everything = [
    made,
    await call('GET', `/jobs/${first.job_id}`),
    await call('GET', `/jobs/${first.job_id}/agents`),
    await call('GET', '/jobs'),
    await call('GET', '/drafts'),
    await call('GET', '/audit?limit=100'),
    await call('GET', '/config/history'),
  ];
  for (const { status, body } of everything) {
    expect([200, 202]).toContain(status);
    expect(JSON.stringify(body)).not.toContain('hidden-one');
  }
  const outbox = await sql<{ text: string }>`SELECT o::text AS text FROM outbox o`.execute(
    server.database.pool,
  );
  expect(JSON.stringify(outbox.rows)).not.toContain('hidden-one');
});
