/** Drafts that are no more: whoever comes a moment too late is told what has become of them. */
import type { Job, Problem } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { configLimits } from './features/configs/limits.ts';
import { sql } from './kernel/sql.ts';
import { addAgent } from './testing/agents.ts';
import { LONG } from './testing/fleet.ts';
import { type MovingClock, movingClock } from './testing/moving-clock.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
let clock: MovingClock;
let wifi = '';
let wilma = '';

beforeAll(async () => {
  clock = movingClock();
  // This agent is a row alone, and confirms nothing.
  server = await testServer({ clock, env: { OPMAS_CONFIG_DEADLINE: '1s' } });
  wifi = await addAgent(server.database, 'wifi');
  await addAgent(server.database, 'dns');
  const grants = [{ permission: 'configs:*', agents: { types: ['wifi'] } }];
  expect((await call('POST', '/roles', { body: { name: 'wifi-only', grants } })).status).toBe(201);
  wilma = await server.tokenFor({ kind: 'user', name: 'Wilma', roles: ['wifi-only'] });
});
afterAll(() => server.stop());
beforeEach(async () => {
  expect((await call('PUT', '/config', { body: {} })).status).toBe(200);
});

type Options = Parameters<TestServer['call']>[2];
const call = (method: string, path: string, options?: Options) =>
  server.call(method, `/api/v1${path}`, options);
const text = (value: unknown) => expect.stringContaining(String(value));

async function draft(ref: object = { scope: 'fleet' }): Promise<string> {
  const { status, body } = await call('POST', '/drafts', {
    body: { ...ref, document: { monitoring: { heartbeat_interval: 11 } } },
  });
  expect(status, JSON.stringify(body)).toBe(201);
  return (body as { draft_id: string }).draft_id;
}
const publish = (id: string, options: Options = {}) =>
  call('POST', `/drafts/${id}/publish`, { body: {}, ...options });
const rollOut = (id: string, options: Options = {}) =>
  call('POST', '/jobs', {
    body: { kind: 'rollout', draft_id: id, gates: { max_failures: 10, settle_seconds: 600 } },
    ...options,
  });
const problemOf = ({ status, body }: { status: number; body: unknown }) => {
  const { code, detail, job_id } = body as Problem;
  return { status, code, detail, job_id };
};
const missing = { status: 404, code: 'OPMAS_NOT_FOUND' };

/** What every write of the draft is answered now. */
async function tooLate(id: string, options: Options = {}) {
  const answers = [
    await rollOut(id, options),
    await publish(id, options),
    await call('POST', `/drafts/${id}/rebase`, { body: {}, ...options }),
    await call('PUT', `/drafts/${id}`, { body: { document: {} }, ...options }),
    await call('DELETE', `/drafts/${id}`, options),
  ];
  return answers.map(problemOf);
}

async function saysOf(id: string, detail: unknown, jobId?: string): Promise<void> {
  for (const problem of await tooLate(id)) {
    expect(problem).toMatchObject({ status: 409, code: 'OPMAS_CONFLICT', detail });
    expect(problem.job_id).toBe(jobId);
  }
  expect(problemOf(await call('GET', `/drafts/${id}`))).toMatchObject(missing);
}

async function ended(job: Job, keep: boolean): Promise<void> {
  const { status } = await call('POST', `/jobs/${job.job_id}/cancel?rollback=${!keep}`);
  expect(status).toBe(202);
  await waitFor(async () => {
    const { body } = await call('GET', `/jobs/${job.job_id}`);
    return (body as Job).deadline === null;
  }, LONG);
}

test('one that was published names the version, and who did it', async () => {
  const id = await draft();
  const { body } = await publish(id);
  const { version, author } = body as { version: number; author: string };
  await saysOf(
    id,
    text(`${author} published it as version ${version} of the configuration of the`),
  );
});

test('one that was discarded names who did it', async () => {
  const id = await draft();
  const token = await server.tokenFor({ kind: 'user', name: 'Dora', roles: ['admin'] });
  expect((await call('DELETE', `/drafts/${id}`, { token })).status).toBe(204);
  await saysOf(id, text('Dora discarded it'));
});

test('one that a job rolled out names the job and the version', async () => {
  const id = await draft();
  const job = (await rollOut(id)).body as Job;
  await waitFor(async () => {
    const { body } = await call('GET', `/jobs/${job.job_id}`);
    return (body as Job).wave !== null;
  }, LONG);
  await ended(job, true);
  const version = job.to_version;
  await saysOf(id, text(`job ${job.job_id} rolled it out as version ${version} of`), job.job_id);
});

test('one of a deleted group says so', async () => {
  const group = { name: 'berlin', selector: 'type=wifi' };
  expect((await call('POST', '/groups', { body: group })).status).toBe(201);
  const id = await draft({ scope: 'group', name: 'berlin' });
  expect((await call('DELETE', '/groups/berlin')).status).toBe(204);
  await saysOf(id, text('it went with the configuration of group berlin'));
});

test.each(Array.from({ length: 4 }, (_, n) => n))(
  'of a rollout and another end at once one wins, and the other is told of it (%i)',
  async (n) => {
    const id = await draft();
    const other = n % 2 === 0 ? () => publish(id) : () => call('DELETE', `/drafts/${id}`);
    const [rolled, ...others] = await Promise.all([rollOut(id), other(), rollOut(id)]);
    const all = [rolled, ...others];
    expect(all.filter(({ status }) => status < 300)).toHaveLength(1);
    const job = all.find(({ status }) => status === 202)?.body as Job | undefined;
    const what = n % 2 === 0 ? 'published it as version' : 'discarded it';
    for (const loser of all.filter(({ status }) => status >= 300)) {
      expect(problemOf(loser)).toMatchObject({
        status: 409,
        code: 'OPMAS_CONFLICT',
        detail: text(job === undefined ? what : `Job ${job.job_id} rolls out`),
      });
    }
    if (job !== undefined) await ended(job, false);
  },
);

test('what never was, and what is beyond reach, is not there, also after its end', async () => {
  for (const problem of await tooLate('00000000-0000-4000-8000-000000000000')) {
    expect(problem).toMatchObject(missing);
  }
  const [shared, own] = [await draft(), await draft({ scope: 'agent', name: wifi })];
  for (const id of [shared, own]) expect((await publish(id)).status).toBe(200);
  const token = { token: wilma };
  const [rolled, ...writes] = await tooLate(shared, token);
  expect(rolled).toMatchObject({ status: 403 });
  for (const problem of writes) expect(problem).toMatchObject(missing);
  expect(problemOf(await publish(own, token))).toMatchObject({
    status: 409,
    detail: text(`published it as version`),
  });
});

test('it is told as long as a draft is kept that nobody changes, and then forgotten', async () => {
  const [expired, gone] = [await draft(), await draft()];
  expect((await publish(gone)).status).toBe(200);
  clock.move(configLimits.draftMs + 1);
  await waitFor(async () => {
    const { rows } = await sql<{
      draft_id: string;
    }>`SELECT draft_id FROM config_draft_ends`.execute(server.database.pool);
    const told = new Set(rows.map(({ draft_id }) => draft_id));
    return told.has(expired) && !told.has(gone);
  }, LONG);
  expect(problemOf(await publish(expired))).toMatchObject({
    status: 409,
    detail: text('nobody had changed it for long'),
  });
  expect(problemOf(await publish(gone))).toMatchObject(missing);
});
