import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, person, post } from '../../testing/people.ts';
import { type Answer, type TestServer, testServer } from '../../testing/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await testServer();
  await person(server, 'ada', 'read-only');
});
afterAll(() => server.stop());

const NAME = '__Host-opmas-refresh';
/** The header as it came, and what a browser would send back. */
function cookieOf(answer: Answer): { header: string; sent: string } {
  const header = answer.headers.get('set-cookie') ?? '';
  return { header, sent: header.split(';')[0] ?? '' };
}
const signIn = () =>
  post(server, '/auth/login', { username: 'ada', password: PASSWORD, cookie: true });
const refresh = (cookie: string, body: unknown = {}) =>
  post(server, '/auth/refresh', body, { cookie });

describe('X7 the refresh token of a page', () => {
  it('goes into a cookie no script reads, bound to this host, and not into the body', async () => {
    const answer = await signIn();
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ token_type: 'Bearer', expires_in: 600 });
    expect(answer.body).not.toHaveProperty('refresh_token');
    const { header } = cookieOf(answer);
    expect(header).toMatch(
      new RegExp(
        `^${NAME}=[A-Za-z0-9_-]{43}; Max-Age=43200; Path=/; HttpOnly; Secure; SameSite=Strict$`,
      ),
    );
  });

  it('comes back in the cookie and is rotated there', async () => {
    const first = cookieOf(await signIn());
    const answer = await refresh(first.sent);
    expect(answer.status).toBe(200);
    expect(answer.body).not.toHaveProperty('refresh_token');
    const second = cookieOf(answer);
    expect(second.sent).not.toBe(first.sent);
    expect((await refresh(second.sent)).status).toBe(200);
  });

  it('is taken without a body too', async () => {
    const { sent } = cookieOf(await signIn());
    const answer = await post(server, '/auth/refresh', undefined, { cookie: sent });
    expect(answer.status).toBe(200);
  });

  it('ends and is cleared with signing out', async () => {
    const { sent } = cookieOf(await signIn());
    const out = await post(server, '/auth/logout', {}, { cookie: sent });
    expect(out.status).toBe(204);
    expect(cookieOf(out).header).toMatch(/^__Host-opmas-refresh=; Max-Age=0; Path=\/;/);
    expect((await refresh(sent)).status).toBe(401);
  });

  it('stays in the body for who did not ask for a cookie', async () => {
    const answer = await post(server, '/auth/login', { username: 'ada', password: PASSWORD });
    expect(answer.headers.get('set-cookie')).toBeNull();
    const { refresh_token } = answer.body as { refresh_token: string };
    const next = await post(server, '/auth/refresh', { refresh_token });
    expect(next.body).toHaveProperty('refresh_token');
    expect(next.headers.get('set-cookie')).toBeNull();
  });

  it('of the body goes before that of the cookie', async () => {
    const { sent } = cookieOf(await signIn());
    expect((await refresh(sent, { refresh_token: 'x' })).status).toBe(401);
    expect((await refresh(sent)).status).toBe(200);
  });

  it.each([
    ['none', ''],
    ['another name', `opmas-refresh=${'x'.repeat(43)}`],
    ['a value we never gave', `${NAME}=a b"c`],
    ['a value too long', `${NAME}=${'x'.repeat(300)}`],
    ['an unknown value', `${NAME}=${'x'.repeat(43)}`],
    ['a prototype', '__proto__=1; constructor=2'],
  ])('%s is refused', async (_, cookie) => {
    const answer = await refresh(cookie);
    expect(answer).toMatchObject({ status: 401, body: { code: 'OPMAS_TOKEN_INVALID' } });
  });

  it('signs nobody in by itself: other calls do not look at it', async () => {
    const { sent } = cookieOf(await signIn());
    const me = await server.call('GET', '/api/v1/auth/me', {
      token: null,
      headers: { cookie: sent },
    });
    expect(me.status).toBe(401);
  });

  it('is not taken from a page of another site', async () => {
    const { sent } = cookieOf(await signIn());
    const answer = await post(
      server,
      '/auth/refresh',
      {},
      {
        cookie: sent,
        origin: 'https://evil.example',
        'sec-fetch-site': 'cross-site',
      },
    );
    expect(answer).toMatchObject({ status: 403, body: { code: 'OPMAS_CROSS_ORIGIN' } });
    expect((await refresh(sent)).status).toBe(200);
  });
});
