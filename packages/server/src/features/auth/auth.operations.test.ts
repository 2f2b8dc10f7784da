import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, testServer } from '../../testing/server.ts';

const PASSWORD = 'correct horse battery staple';

let server: TestServer;
let code: string;

beforeAll(async () => {
  server = await testServer();
  code = new URL(server.app.setupUrl ?? '').searchParams.get('code') ?? '';
});
afterAll(() => server.stop());

const post = (path: string, body: unknown) =>
  server.call('POST', `/api/v1${path}`, { token: null, body });

async function signIn() {
  const answer = await post('/auth/login', { username: 'Ada', password: PASSWORD });
  return answer.body as { access_token: string; refresh_token: string };
}

describe('set-up', () => {
  it('says that the first user is missing', async () => {
    expect((await server.call('GET', '/api/v1/setup', { token: null })).body).toEqual({
      needed: true,
    });
  });

  it('refuses a wrong code, a short password, and works once', async () => {
    const wrong = await post('/setup', { code: 'nope', username: 'Ada', password: PASSWORD });
    expect(wrong).toMatchObject({ status: 401, body: { code: 'OPMAS_TOKEN_INVALID' } });
    const counted = await server.database.pool.selectFrom('throttle').selectAll().execute();
    expect(counted).toMatchObject([{ key: 'setup:address:127.0.0.1', failures: 1 }]);
    const common = await post('/setup', { code, username: 'Ada', password: 'passwordpassword' });
    expect(common).toMatchObject({ status: 400, body: { code: 'OPMAS_PASSWORD_REFUSED' } });
    const short = await post('/setup', { code, username: 'Ada', password: 'short' });
    expect(short).toMatchObject({ status: 400, body: { code: 'OPMAS_PASSWORD_REFUSED' } });
    const right = await post('/setup', { code, username: 'Ada', password: PASSWORD });
    expect(right).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 600 } });
    const again = await post('/setup', { code, username: 'Eve', password: PASSWORD });
    expect(again).toMatchObject({ status: 409, body: { code: 'OPMAS_SETUP_DONE' } });
  });
});

describe('signing in', () => {
  it('gives a token that stands for the user, whatever the case of the name', async () => {
    const { access_token } = await signIn();
    const me = await server.call('GET', '/api/v1/auth/me', { token: access_token });
    expect(me.body).toMatchObject({
      kind: 'user',
      username: 'Ada',
      roles: ['admin'],
      grants: [{ permission: '*' }],
      password: true,
      totp_enabled: false,
    });
  });

  it('has no other sites to sign in with where none is set', async () => {
    const answer = await server.call('GET', '/api/v1/auth/login/providers', { token: null });
    expect(answer).toMatchObject({ status: 200, body: { items: [] } });
    const start = await server.call('GET', '/api/v1/auth/login/oidc/oidc', { token: null });
    expect(start.status).toBe(404);
  });

  it('tells an unknown user and a wrong password apart in nothing', async () => {
    const unknown = await post('/auth/login', { username: 'nobody', password: PASSWORD });
    const wrong = await post('/auth/login', { username: 'Ada', password: `${PASSWORD}!` });
    const { request_id: _a, ...first } = unknown.body as Record<string, unknown>;
    const { request_id: _b, ...second } = wrong.body as Record<string, unknown>;
    expect(unknown.status).toBe(401);
    expect(first).toEqual(second);
  });

  it('names every fault of a body', async () => {
    const answer = await post('/auth/login', { username: '', extra: 1 });
    expect(answer.status).toBe(400);
    const { errors } = answer.body as { errors: { message: string }[] };
    expect(errors.map((e) => e.message).join(' ')).toMatch(/password/);
    expect(errors.map((e) => e.message).join(' ')).toMatch(/extra/);
  });

  it('audits success and refusal', async () => {
    await signIn();
    const rows = await server.database.pool
      .selectFrom('audit_log')
      .select(['action', 'outcome'])
      .where('action', '=', 'auth.login')
      .execute();
    expect(rows).toContainEqual({ action: 'auth.login', outcome: 'ok' });
    expect(rows).toContainEqual({ action: 'auth.login', outcome: 'refused' });
  });
});

describe('staying signed in', () => {
  it('ends with signing out', async () => {
    const pair = await signIn();
    expect((await post('/auth/logout', { refresh_token: pair.refresh_token })).status).toBe(204);
    const me = await server.call('GET', '/api/v1/auth/me', { token: pair.access_token });
    expect(me).toMatchObject({ status: 401, body: { code: 'OPMAS_UNAUTHENTICATED' } });
  });
});

describe('signing out', () => {
  const recorded = async () =>
    (
      await server.database.pool
        .selectFrom('audit_log')
        .select('id')
        .where('action', '=', 'auth.logout')
        .execute()
    ).length;

  it('is on record when it ended something, and leaves no row when it did not', async () => {
    const before = await recorded();
    const { refresh_token } = await signIn();
    expect((await post('/auth/logout', {})).status).toBe(204);
    expect((await post('/auth/logout', { refresh_token: 'x'.repeat(43) })).status).toBe(204);
    expect(await recorded()).toBe(before);
    expect((await post('/auth/logout', { refresh_token })).status).toBe(204);
    expect(await recorded()).toBe(before + 1);
    expect((await post('/auth/refresh', { refresh_token })).status).toBe(401);
  });
});

describe('tokens', () => {
  it.each([
    ['none', null],
    ['rubbish', 'abc'],
    ['an unsigned one', `${btoa('{"alg":"none"}')}.${btoa('{"sub":"x"}')}.`],
  ])('refuses %s', async (_, token) => {
    const answer = await server.call('GET', '/api/v1/agents', { token });
    expect(answer.status).toBe(401);
  });

  it('lets roles decide', async () => {
    const reader = await server.tokenFor({ kind: 'user', roles: ['read-only'] });
    expect((await server.call('GET', '/api/v1/agents', { token: reader })).status).toBe(200);
    const scan = await server.call('POST', '/api/v1/packages/scan', { token: reader });
    expect(scan).toMatchObject({ status: 403, body: { code: 'OPMAS_FORBIDDEN' } });
  });
});
