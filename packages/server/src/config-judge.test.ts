/** A layer that is wrong under a right one, through a whole server: refused, told before, and never in the way. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from './kernel/sql.ts';
import { addAgent } from './testing/agents.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
let camera: string;
let plain: string;
beforeAll(async () => {
  server = await testServer({ env: { OPMAS_ENV: 'staging' } });
  camera = await addAgent(server.database, 'camera', ['site=berlin']);
  plain = await addAgent(server.database, 'plain', ['site=paris']);
  const schema = {
    type: 'object',
    properties: { channel: { type: 'integer', minimum: 1, maximum: 13 } },
    additionalProperties: true,
  };
  await sql`UPDATE agents SET config_schema = ${JSON.stringify(schema)}::jsonb WHERE id = ${camera}`.execute(
    server.database.pool,
  );
});
afterAll(() => server.stop());

const api = (path: string) => `/api/v1${path}`;
const put = (path: string, body: unknown) => server.call('PUT', api(path), { body });
const post = (path: string, body: unknown) => server.call('POST', api(path), { body });
const get = async (path: string) => (await server.call('GET', api(path))).body;
const LOUD = { monitoring: { log_level: 'LOUD' } };
const refused = (path = 'monitoring.log_level') => ({
  status: 400,
  body: {
    code: 'OPMAS_INVALID_CONFIGURATION',
    errors: expect.arrayContaining([expect.objectContaining({ path })]),
  },
});
/** As an older release stored it. */
const store = (scope: string, id: string, document: object) =>
  sql`UPDATE config_layers l SET document = ${JSON.stringify(document)}::jsonb, hash = ${JSON.stringify(document)}
    FROM config_heads h WHERE l.scope = ${scope} AND l.scope_id = ${id} AND h.scope = l.scope
      AND h.scope_id = l.scope_id AND h.version = l.version`.execute(server.database.pool);

describe('under a runtime DEBUG', () => {
  beforeAll(async () => {
    for (const id of [camera, plain]) {
      await put(`/agents/${id}/config/runtime`, { log_level: 'DEBUG' });
    }
    await post('/groups', { name: 'berlin', selector: 'site=berlin' });
    await post('/groups', { name: 'nobody', selector: 'site=nowhere' });
  });

  test.each([
    ['/config', 'agent camera'],
    ['/groups/berlin/config', 'agent camera'],
    ['/environments/staging/config', 'agent camera'],
    ['/environments/production/config', 'must be one of'],
    ['/groups/nobody/config', 'must be one of'],
  ])('%s does not take LOUD, and says of whom', async (path, whose) => {
    const before = await get(path);
    const answer = await put(path, LOUD);
    expect(answer).toMatchObject(refused());
    expect(JSON.stringify(answer.body)).toContain(whose);
    expect(await post(`${path}/validate`, LOUD)).toMatchObject({
      status: 200,
      body: {
        valid: false,
        errors: expect.arrayContaining([expect.objectContaining({ path: 'monitoring.log_level' })]),
      },
    });
    expect(await get(path)).toEqual(before);
  });

  test('nor does the agent’s own layer, a draft, or a rollout', async () => {
    expect(await put(`/agents/${camera}/config`, LOUD)).toMatchObject(refused());
    const { body } = await post('/drafts', { scope: 'fleet', document: LOUD });
    const { draft_id: id } = body as { draft_id: string };
    expect(await get(`/drafts/${id}`)).toMatchObject({ valid: false });
    expect(await post(`/drafts/${id}/publish`, {})).toMatchObject(refused());
    expect(await post('/jobs', { kind: 'rollout', scope: 'fleet', document: LOUD })).toMatchObject(
      refused(),
    );
    expect(await get('/config')).toMatchObject({ version: 0 });
  });

  test('what an older release stored stops no other change, and is not taken again', async () => {
    await put('/config', { own: { a: 1 } });
    await store('fleet', '', { ...LOUD, own: { a: 1 } });
    expect(await put('/config', { ...LOUD, own: { a: 2 } })).toMatchObject({ status: 200 });
    expect(await put(`/agents/${camera}/config`, { own: { b: 1 } })).toMatchObject({ status: 200 });
    expect(await put('/groups/berlin', { selector: 'site=berlin', priority: 3 })).toMatchObject({
      status: 200,
    });
    expect(
      await put('/config', { monitoring: { log_level: 'LOUDER' }, own: { a: 2 } }),
    ).toMatchObject(refused());
    expect(await put('/config', { own: { a: 2 } })).toMatchObject({ status: 200 });
    // It is the head no longer: going back would store it anew.
    expect(await post('/config/rollback', { version: 2 })).toMatchObject(refused());
    expect(await post('/config/rollback', { version: 2 })).toMatchObject({
      body: { detail: expect.stringContaining('hide') },
    });
  });

  test('the runtime layer is validated like every other', async () => {
    const path = `/agents/${camera}/config/runtime/validate`;
    expect(await post(path, { log_level: 'LOUD' })).toMatchObject({
      status: 200,
      body: { valid: false, version: 1, errors: [{ path: 'monitoring.log_level' }] },
    });
    expect(await post(path, { processing: { batch_size: 1 } })).toMatchObject({
      status: 200,
      body: { valid: false },
    });
    expect(await post(path, { log_level: 'ERROR' })).toMatchObject({
      status: 200,
      body: {
        valid: true,
        counts: { reached: 1, changed: 1 },
        affected: [
          { changes: [{ path: 'monitoring.log_level', before: 'DEBUG', after: 'ERROR' }] },
        ],
      },
    });
    expect(await get(`/agents/${camera}/config/runtime`)).toMatchObject({
      config: { monitoring: { log_level: 'DEBUG' } },
    });
    expect(await post('/agents/nobody/config/runtime/validate', {})).toMatchObject({ status: 404 });
  });
});

describe('another selector of a group', () => {
  const preview = async (body: object) => (await post('/groups/validate', body)).body;

  beforeAll(async () => {
    await put(`/agents/${camera}/config`, { channel: 3 });
    await post('/groups', { name: 'wide', selector: 'type=plain' });
    expect(await put('/groups/wide/config', { channel: 99 })).toMatchObject({ status: 200 });
  });

  test('is tried: who joins, who leaves, and to whom its layer says what is wrong for them', async () => {
    const name = 'wide';
    const hidden = { agent_id: camera, errors: [expect.objectContaining({ path: 'channel' })] };
    expect(await preview({ name, selector: 'type=camera' })).toMatchObject({
      valid: false,
      version: 1,
      joins: [{ agent_id: camera }],
      leaves: [{ agent_id: plain }],
      invalid: [hidden],
      counts: { agents: 1, joins: 1, leaves: 1, changed: 1, invalid: 1 },
    });
    // The agent's own channel hides it; without that it would have no valid one.
    expect(await put('/groups/wide', { selector: 'type in (camera, plain)' })).toMatchObject({
      ...refused('channel'),
      body: { detail: expect.stringContaining('camera') },
    });
    await put(`/agents/${camera}/config`, {});
    expect(await preview({ name, selector: 'type=camera' })).toMatchObject({ invalid: [hidden] });
    expect(await put('/groups/wide', { selector: 'type=camera' })).toMatchObject(
      refused('channel'),
    );
    expect(await get('/groups/wide')).toMatchObject({ version: 1, selector: 'type=plain' });
  });

  test('that is new chooses agents, and changes none', async () => {
    expect(await preview({ selector: 'type=camera' })).toMatchObject({
      valid: true,
      version: 0,
      joins: [{ agent_id: camera }],
      leaves: [],
      counts: { agents: 1, changed: 0, invalid: 0 },
    });
    expect(await preview({ name: 'wide', selector: 'type=plain' })).toMatchObject({
      valid: true,
      joins: [],
      leaves: [],
      counts: { agents: 1, changed: 0 },
    });
    expect(await post('/groups/validate', { selector: 'type=' })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'selector' }] },
    });
    expect(await post('/groups/validate', { name: 'no', selector: 'a=b' })).toMatchObject({
      status: 404,
    });
  });
});

test.each([
  ['{"own":{"__proto__":{"x":1}}}', 'own.__proto__'],
  ['{"own":[{},{"constructor":{"prototype":1}}]}', 'own[1].constructor.prototype'],
])('a body with a key of the prototype is refused by its path: %s', async (raw, path) => {
  const answer = await server.call('PUT', api('/config'), { raw });
  expect(answer).toMatchObject({
    status: 400,
    body: {
      code: 'OPMAS_INVALID_REQUEST',
      detail: `${path} is a key that no body may have`,
      errors: [{ path }],
    },
  });
});
