import { randomUUID } from 'node:crypto';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import { secretHash, systemIds } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import { feedClient } from '../../testing/feed-client.ts';
import { movingClock } from '../../testing/moving-clock.ts';
import { patiently } from '../../testing/people.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import { createTokenMemory } from './token-memory.ts';
import { createTokensService } from './tokens.service.ts';

const clock = movingClock();
let server: TestServer;
beforeAll(async () => {
  server = await testServer({ clock });
});
afterAll(() => server.stop());

interface Made {
  token_id: string;
  token: string;
  expires_at: string;
}

async function create(body: object, token?: string) {
  const answer = await server.call('POST', '/api/v1/tokens', {
    body,
    ...(token === undefined ? {} : { token }),
  });
  return { ...answer, body: answer.body as Made & { code?: string } };
}

const api = (name: string, ...roles: string[]) => ({ kind: 'api', name, roles });
const agents = (token: string) => server.call('GET', '/api/v1/agents', { token });

describe('API tokens', () => {
  test('work until they are revoked, and end at once then', async () => {
    const { status, body } = await create(api('backup', 'read-only'));
    expect(status).toBe(201);
    expect(body.token).toMatch(/^opmas_api_[\w-]{43}$/);
    expect((await agents(body.token)).status).toBe(200);
    expect((await server.call('DELETE', `/api/v1/tokens/${body.token_id}`)).status).toBe(204);
    expect((await agents(body.token)).status).toBe(401);
    expect((await server.call('DELETE', `/api/v1/tokens/${body.token_id}`)).status).toBe(404);
  });

  test('end everywhere when another replica revokes them', async () => {
    const { body } = await create(api('elsewhere', 'read-only'));
    expect((await agents(body.token)).status).toBe(200);
    await server.database.pool
      .updateTable('tokens')
      .set({ revoked_at: new Date() })
      .where('token_id', '=', body.token_id)
      .execute();
    await waitFor(async () => (await agents(body.token)).status === 401, { timeoutMs: 5_000 });
  });

  test('are never told again, and their text is nowhere in the database', async () => {
    const { body } = await create(api('canary', 'read-only'));
    const list = await server.call('GET', '/api/v1/tokens?kind=api');
    expect(JSON.stringify(list.body)).not.toContain(body.token);
    const rows = await server.database.pool.selectFrom('tokens').selectAll().execute();
    const audit = await server.database.pool.selectFrom('audit_log').selectAll().execute();
    expect(JSON.stringify([rows, audit])).not.toContain(body.token.slice('opmas_api_'.length));
  });

  test('expire', async () => {
    const { body } = await create({ ...api('short', 'read-only'), expires_in: 60 });
    expect(Date.parse(body.expires_at) - Date.now()).toBeLessThanOrEqual(60_000);
    await server.database.pool
      .updateTable('tokens')
      .set({ expires_at: new Date(Date.now() - 1) })
      .where('token_id', '=', body.token_id)
      .execute();
    expect((await agents(body.token)).status).toBe(401);
  });

  test('can do no more than their maker', async () => {
    const operator = await server.tokenFor({ kind: 'user', roles: ['operator'] });
    expect((await create(api('up', 'admin'), operator)).status).toBe(403);
    const role = { name: 'token-maker', grants: [{ permission: 'tokens:create' }] };
    expect((await server.call('POST', '/api/v1/roles', { body: role })).status).toBe(201);
    const maker = await server.tokenFor({ kind: 'user', id: randomUUID(), roles: ['token-maker'] });
    for (const more of ['admin', 'read-only']) {
      expect((await create(api(`up-${more}`, more), maker)).status, more).toBe(403);
    }
    const { body: own } = await create(api('own', 'admin'));
    const grown = await create(api('grown', 'admin'), own.token);
    expect(grown.status).toBe(201);
  });

  test('end with the person who made them, and shrink with their roles', async () => {
    const username = `maker-${randomUUID().slice(0, 8)}`;
    const password = 'a sentence nobody else would think of';
    const add = (name: string) =>
      server.call('POST', '/api/v1/users', {
        body: { username: name, password, roles: ['admin'] },
      });
    await add(`other-${username}`); // the last administrator could not be demoted
    const user = await add(username);
    expect(user.status).toBe(201);
    const login = await server.call('POST', '/api/v1/auth/login', {
      token: null,
      body: { username, password },
    });
    const { access_token: maker } = login.body as { access_token: string };
    const { body } = await create(api('script', 'operator'), maker);
    const reject = () =>
      server.call('POST', '/api/v1/packages/nothing/reject', { token: body.token });
    expect((await reject()).status).toBe(404);
    const { user_id: id } = user.body as { user_id: string };
    await server.call('PUT', `/api/v1/users/${id}`, { body: { roles: ['read-only'] } });
    await waitFor(async () => (await reject()).status === 403, { timeoutMs: 5_000 });
    const reads = (status: number) =>
      waitFor(async () => (await agents(body.token)).status === status, { timeoutMs: 10_000 });
    await server.call('PUT', `/api/v1/users/${id}`, { body: { roles: ['operator'] } });
    await reads(200);
    await server.call('PUT', `/api/v1/users/${id}`, { body: { disabled: true } });
    await reads(403);
    await server.call('PUT', `/api/v1/users/${id}`, { body: { disabled: false } });
    await reads(200);
    expect((await server.call('DELETE', `/api/v1/users/${id}`)).status).toBe(204);
    await reads(403);
  });

  test('made by a token end with the person behind that token', async () => {
    const people = patiently(() => server, clock);
    await people.person('another-admin', 'admin'); // the last one could not be disabled
    const maker = await people.person('maker-of-makers', 'admin');
    const { body: first } = await create(api('first', 'admin'), maker.access_token);
    const { body: second } = await create(api('second', 'admin'), first.token);
    expect((await agents(second.token)).status).toBe(200);
    await server.call('PUT', `/api/v1/users/${maker.user_id}`, { body: { disabled: true } });
    await waitFor(async () => (await agents(second.token)).status === 403, { timeoutMs: 10_000 });
  });

  test('go on hearing the feed when another is revoked', async () => {
    const { body: kept } = await create(api('kept', 'read-only'));
    const { body: other } = await create(api('other', 'read-only'));
    const listen = ({ token }: Made) => feedClient(server.url, { token, topics: ['agents'] });
    const [hears, ends] = [await listen(kept), await listen(other)];
    const snapshots = () => hears.heard.filter(({ type }) => type === 'snapshot').length;
    await ends.waitFor(({ type }) => type === 'snapshot');
    await waitFor(() => snapshots() === 1);
    await server.call('DELETE', `/api/v1/tokens/${other.token_id}`);
    expect(await ends.waitForClose()).toMatchObject({ code: 4403 });
    hears.send({ type: 'subscribe', topics: ['agents'] });
    await waitFor(() => snapshots() === 2 || hears.closed() !== undefined);
    expect(hears.closed()).toBeUndefined();
    hears.close();
  });

  test.each([
    ['no role', { kind: 'api', name: 'x' }],
    ['an unknown role', api('x', 'emperor')],
    ['uses', { ...api('x', 'read-only'), max_uses: 3 }],
    ['a lifetime of 30 seconds', { ...api('x', 'read-only'), expires_in: 30 }],
    ['another field', { ...api('x', 'read-only'), owner_id: randomUUID() }],
    ['roles on an enrollment token', { kind: 'enrollment', name: 'x', roles: ['admin'] }],
    ['another kind', { kind: 'root', name: 'x' }],
  ])('are refused with %s', async (_, body) => {
    expect((await create(body)).status).toBe(400);
  });

  test.each([
    'opmas_api_',
    `opmas_api_${'A'.repeat(43)}`,
    `opmas_api_${'A'.repeat(8_000)}`,
    `opmas_enroll_${'A'.repeat(43)}`,
    'OPMAS_API_x',
  ])('X11 %s is refused', async (token) => expect((await agents(token)).status).toBe(401));

  test('an enrollment token is no API token', async () => {
    const { body } = await create({ kind: 'enrollment', name: 'site' });
    expect((await agents(body.token)).status).toBe(401);
  });
});

describe('X18 tokens that were shown', () => {
  test('are remembered for their feeds, as many as may live', async () => {
    expect(limits.tokensRemembered).toBeGreaterThan(limits.livingTokens);
    const grants = [{ permission: 'agents:read' }];
    const tokens = createTokensService({
      database: server.database,
      clock: systemClock,
      ids: systemIds,
      grantsOf: () => grants,
      rolesNow: async () => new Map(),
    });
    const many = Array.from({ length: 1_200 }, (_, n) => ({
      token_id: randomUUID(),
      text: `opmas_api_many${n}`,
    }));
    await server.database.pool
      .insertInto('tokens')
      .values(
        many.map(({ token_id, text }) => ({
          token_id,
          kind: 'api',
          name: 'many',
          token_hash: secretHash(text),
          roles: ['read-only'],
          max_uses: null,
          agent_type: null,
          tags: [],
          replace: false,
          created_by: 'test',
          owner_id: null,
          created_at: new Date(),
          expires_at: null,
        })),
      )
      .execute();
    for (const { text } of many) await tokens.callerOf(text);
    for (const each of [0, 1]) {
      expect(many.filter(({ token_id }) => tokens.grantsNow(token_id) !== grants)).toEqual([]);
      if (each === 0) await tokens.sync();
    }
    const [first] = many;
    await server.database.pool
      .updateTable('tokens')
      .set({ revoked_at: new Date() })
      .where('name', '=', 'many')
      .where('token_id', '<>', first?.token_id ?? '')
      .execute();
    await tokens.sync();
    expect(many.filter(({ token_id }) => tokens.grantsNow(token_id).length > 0)).toEqual([first]);
    tokens.forget(first?.token_id ?? '');
    expect(tokens.grantsNow(first?.token_id ?? '')).toEqual([]);
  });

  test('are forgotten one by one beyond the bound, the one shown longest ago first', () => {
    const memory = createTokenMemory(2);
    const token = (token_id: string) => ({
      token_id,
      name: token_id,
      roles: [],
      expires_at: null,
      owner_id: null,
      owner_roles: null,
      owner_enabled: null,
    });
    for (const id of ['a', 'b', 'b', 'c']) memory.remember(`hash ${id}`, token(id));
    expect(memory.ids()).toEqual(['b', 'c']);
    expect(memory.get('hash a')).toBeUndefined();
    expect(memory.byId('c')).toEqual(token('c'));
  });
});

describe('X15 enrollment tokens', () => {
  const service = () =>
    createTokensService({
      database: server.database,
      clock: systemClock,
      ids: systemIds,
      grantsOf: () => [],
      rolesNow: async () => new Map(),
    });
  const take = (text: string, type = 'wifi') =>
    server.database.transaction((tx) => service().takeEnrollment(tx, text, type));

  test('of a hundred that come at once, as many as allowed get in', async () => {
    const { body } = await create({
      kind: 'enrollment',
      name: 'three',
      max_uses: 3,
      tags: ['edge'],
    });
    const results = await Promise.all(Array.from({ length: 100 }, () => take(body.token)));
    const good = results.filter((result) => result !== undefined);
    expect(good).toHaveLength(3);
    expect(good[0]).toEqual({
      token_id: body.token_id,
      agent_type: null,
      tags: ['edge'],
      replace: false,
    });
  });

  test('let in the type they name only', async () => {
    const { body } = await create({ kind: 'enrollment', name: 'wifi', agent_type: 'wifi' });
    expect(await take(body.token, 'dns')).toBeUndefined();
    expect(await take(body.token, 'wifi')).toBeDefined();
    expect(await take(body.token, 'wifi')).toBeUndefined();
  });

  test('give a use back when the registration fails', async () => {
    const { body } = await create({ kind: 'enrollment', name: 'once' });
    const failing = server.database.transaction(async (tx) => {
      await service().takeEnrollment(tx, body.token, 'wifi');
      throw new Error('registration failed');
    });
    await expect(failing).rejects.toThrow('registration failed');
    expect(await take(body.token)).toBeDefined();
  });

  test('let nobody in once revoked or expired', async () => {
    const { body } = await create({ kind: 'enrollment', name: 'gone', max_uses: 5 });
    await server.call('DELETE', `/api/v1/tokens/${body.token_id}`);
    expect(await take(body.token)).toBeUndefined();
    const { body: old } = await create({ kind: 'enrollment', name: 'old', max_uses: 5 });
    await server.database.pool
      .updateTable('tokens')
      .set({ expires_at: new Date(Date.now() - 1) })
      .where('token_id', '=', old.token_id)
      .execute();
    expect(await take(old.token)).toBeUndefined();
  });
});
