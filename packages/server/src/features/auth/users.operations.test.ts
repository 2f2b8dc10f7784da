import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { movingClock } from '../../testing/moving-clock.ts';
import { PASSWORD, type Person, patiently, post } from '../../testing/people.ts';
import { type Answer, type TestServer, testServer } from '../../testing/server.ts';

const clock = movingClock();
let server: TestServer;
let admin: Person;
const { signIn, person } = patiently(() => server, clock);

beforeAll(async () => {
  server = await testServer({ clock });
  admin = await person('root', 'admin');
});
afterAll(() => server.stop());

const NOBODY = '00000000-0000-4000-8000-000000000000';
const call = (method: string, path: string, body?: unknown, token?: string | null) =>
  server.call(method, `/api/v1${path}`, {
    ...(body === undefined ? {} : { body }),
    ...(token === undefined ? {} : { token }),
  });
const refusedWith = (status: number, code: string) => ({ status, body: { code } });

describe('users', () => {
  it('are made, listed by name, read, changed and deleted', async () => {
    const made = await call('POST', '/users', {
      username: 'Zoe',
      password: PASSWORD,
      roles: ['read-only'],
    });
    expect(made).toMatchObject({
      status: 201,
      body: {
        username: 'Zoe',
        roles: ['read-only'],
        disabled: false,
        totp_enabled: false,
        source: 'local',
        last_login_at: null,
      },
    });
    const { user_id } = made.body as { user_id: string };
    expect((await call('GET', `/users/${user_id}`)).body).toEqual(made.body);
    const { items } = (await call('GET', '/users')).body as { items: { username: string }[] };
    expect(items.map(({ username }) => username)).toEqual(['root', 'Zoe']);
    const changed = await call('PUT', `/users/${user_id}`, { roles: ['operator'], disabled: true });
    expect(changed).toMatchObject({ status: 200, body: { roles: ['operator'], disabled: true } });
    expect((await call('DELETE', `/users/${user_id}`)).status).toBe(204);
    expect(await call('GET', `/users/${user_id}`)).toMatchObject(
      refusedWith(404, 'OPMAS_NOT_FOUND'),
    );
  });

  it('come in pages', async () => {
    for (const name of ['page-a', 'Page-B', 'page-c']) await person(name, 'read-only');
    const names: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const path: string = `/users?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const { body } = await call('GET', path);
      const page = body as { items: { username: string }[]; next_cursor: string | null };
      expect(page.items.length).toBeLessThanOrEqual(2);
      names.push(...page.items.map(({ username }) => username));
      cursor = page.next_cursor;
    }
    expect(names).toEqual(['page-a', 'Page-B', 'page-c', 'root']);
    expect(await call('GET', '/users?cursor=x')).toMatchObject({ status: 400 });
  });

  it('have names that are unique in any case', async () => {
    const again = await call('POST', '/users', { username: 'ROOT', password: PASSWORD, roles: [] });
    expect(again).toMatchObject(refusedWith(409, 'OPMAS_CONFLICT'));
  });

  it.each([
    [
      'a name with a space',
      { username: 'a b', password: PASSWORD, roles: [] },
      'OPMAS_INVALID_REQUEST',
    ],
    [
      'a common password',
      { username: 'x', password: 'passwordpassword', roles: [] },
      'OPMAS_PASSWORD_REFUSED',
    ],
    [
      'a role that is none',
      { username: 'x', password: PASSWORD, roles: ['king'] },
      'OPMAS_INVALID_REQUEST',
    ],
    [
      'the role of agents',
      { username: 'x', password: PASSWORD, roles: ['agent'] },
      'OPMAS_INVALID_REQUEST',
    ],
    [
      'an unknown field',
      { username: 'x', password: PASSWORD, roles: [], admin: true },
      'OPMAS_INVALID_REQUEST',
    ],
  ])('are not made with %s', async (_, body, code) => {
    expect(await call('POST', '/users', body)).toMatchObject(refusedWith(400, code));
  });

  it.each<[string, string, unknown?]>([
    ['GET', '/users'],
    ['GET', `/users/${NOBODY}`],
    ['POST', '/users', { username: 'x', password: PASSWORD, roles: [] }],
    ['PUT', `/users/${NOBODY}`, { disabled: true }],
    ['DELETE', `/users/${NOBODY}`],
    ['GET', `/users/${NOBODY}/sessions`],
    ['DELETE', `/users/${NOBODY}/sessions`],
    ['DELETE', `/users/${NOBODY}/totp`],
  ])('%s %s: no token 401, no right 403, nobody there 404', async (method, path, body) => {
    expect((await call(method, path, body, null)).status).toBe(401);
    const operator = await server.tokenFor({ kind: 'user', roles: ['operator'] });
    expect((await call(method, path, body, operator)).status).toBe(403);
    if (path.includes(NOBODY)) expect((await call(method, path, body)).status).toBe(404);
    if (path.includes(NOBODY)) {
      expect((await call(method, path.replace(NOBODY, 'x'), body)).status).toBe(400);
    }
  });

  it('show their sessions to who may see users', async () => {
    const who = await person('seen', 'read-only');
    const { body } = await call('GET', `/users/${who.user_id}/sessions`);
    expect(body).toMatchObject({ items: [{ remote: '127.0.0.1', current: false }] });
  });
});

describe('nobody hands on more than they have', () => {
  const helper = { permissions: ['users:read', 'users:write', 'agents:read'] };
  let token: string;

  beforeAll(async () => {
    const grants = helper.permissions.map((permission) => ({ permission }));
    expect((await call('POST', '/roles', { name: 'helpdesk', grants })).status).toBe(201);
    ({ access_token: token } = await person('helper', 'helpdesk'));
  });

  it('a helper makes users with their own rights', async () => {
    const body = { username: 'colleague', password: PASSWORD, roles: ['helpdesk'] };
    expect((await call('POST', '/users', body, token)).status).toBe(201);
  });

  it.each<[string, (id: string) => Promise<Answer>]>([
    [
      'make an administrator',
      () => call('POST', '/users', { username: 'x', password: PASSWORD, roles: ['admin'] }, token),
    ],
    [
      'reset the password of one',
      (id) => call('PUT', `/users/${id}`, { password: `${PASSWORD}!` }, token),
    ],
    ['disable one', (id) => call('PUT', `/users/${id}`, { disabled: true }, token)],
    ['demote one', (id) => call('PUT', `/users/${id}`, { roles: [] }, token)],
    ['delete one', (id) => call('DELETE', `/users/${id}`, undefined, token)],
    ['end the sessions of one', (id) => call('DELETE', `/users/${id}/sessions`, undefined, token)],
    [
      'take away the second factor of one',
      (id) => call('DELETE', `/users/${id}/totp`, undefined, token),
    ],
  ])('and does not %s', async (_, attempt) => {
    expect(await attempt(admin.user_id)).toMatchObject(refusedWith(403, 'OPMAS_FORBIDDEN'));
  });

  it('nor becomes one', async () => {
    const { id } = (await call('GET', '/auth/me', undefined, token)).body as { id: string };
    const answer = await call('PUT', `/users/${id}`, { roles: ['admin'] }, token);
    expect(answer).toMatchObject(refusedWith(403, 'OPMAS_FORBIDDEN'));
  });
});

describe('the last administrator', () => {
  it.each<[string, () => Promise<Answer>]>([
    ['deleted', () => call('DELETE', `/users/${admin.user_id}`)],
    ['disabled', () => call('PUT', `/users/${admin.user_id}`, { disabled: true })],
    ['demoted', () => call('PUT', `/users/${admin.user_id}`, { roles: ['operator'] })],
  ])('cannot be %s', async (_, attempt) => {
    expect(await attempt()).toMatchObject(refusedWith(409, 'OPMAS_CONFLICT'));
  });

  it('stays when two administrators are taken away at once', async () => {
    const other = await person('second', 'admin');
    const answers = await Promise.all(
      [admin, other].map(({ user_id }) => call('PUT', `/users/${user_id}`, { disabled: true })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.sort((a, b) => a - b)).toEqual([200, 409]);
    for (const { user_id } of [admin, other]) {
      await call('PUT', `/users/${user_id}`, { disabled: false });
    }
    expect((await call('DELETE', `/users/${other.user_id}`)).status).toBe(204);
  });
});

describe('one’s own password', () => {
  const set = (token: string, current_password: string, new_password: string) =>
    call('PUT', '/auth/password', { current_password, new_password }, token);

  it('needs the old one, and ends the other sessions', async () => {
    const here = await person('pat', 'read-only');
    const there = await signIn('pat');
    const next = 'another horse with a staple';
    expect(await set(here.access_token, 'wrong', next)).toMatchObject(
      refusedWith(403, 'OPMAS_PASSWORD_WRONG'),
    );
    expect(await set(here.access_token, PASSWORD, 'short')).toMatchObject(
      refusedWith(400, 'OPMAS_PASSWORD_REFUSED'),
    );
    expect((await set(here.access_token, PASSWORD, next)).status).toBe(204);
    expect((await call('GET', '/auth/me', undefined, there.access_token)).status).toBe(401);
    expect((await call('GET', '/auth/me', undefined, here.access_token)).status).toBe(200);
    expect(
      (await post(server, '/auth/login', { username: 'pat', password: PASSWORD })).status,
    ).toBe(401);
    await expect(signIn('pat', { password: next })).resolves.toBeDefined();
  });

  it('is for people', async () => {
    const body = { current_password: 'x', new_password: 'y' };
    expect((await call('PUT', '/auth/password', body)).status).toBe(403);
    expect((await call('PUT', '/auth/password', body, null)).status).toBe(401);
  });

  it('kept with other costs is hashed again at the next sign-in', async () => {
    const who = await person('old-hash', 'read-only');
    const { argon2Sync } = await import('node:crypto');
    const hash = argon2Sync('argon2id', {
      message: PASSWORD,
      nonce: Buffer.alloc(16),
      parallelism: 1,
      tagLength: 32,
      memory: 64,
      passes: 1,
    });
    const b64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
    const users = server.database.pool;
    await users
      .updateTable('users')
      .set({ password_hash: `$argon2id$v=19$m=64,t=1,p=1$${b64(Buffer.alloc(16))}$${b64(hash)}` })
      .where('id', '=', who.user_id)
      .execute();
    await signIn('old-hash');
    const row = await users
      .selectFrom('users')
      .select('password_hash')
      .where('id', '=', who.user_id)
      .executeTakeFirstOrThrow();
    expect(row.password_hash).toMatch(/m=19456,t=2,p=1/);
    await expect(signIn('old-hash')).resolves.toBeDefined();
  });
});
