import { createHmac, generateKeyPairSync } from 'node:crypto';
import { freePort } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { movingClock } from '../../testing/moving-clock.ts';
import { person } from '../../testing/people.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import {
  Browser,
  CLIENT_ID,
  CLIENT_SECRET,
  type Json,
  rs256,
  type TestProvider,
  testProvider,
} from '../../testing/test-provider.ts';

const clock = movingClock();
let server: TestServer;
let provider: TestProvider;

beforeAll(async () => {
  const port = await freePort();
  provider = await testProvider([`http://127.0.0.1:${port}/api/v1/auth/login/oidc/oidc/callback`]);
  server = await testServer({
    clock,
    env: {
      OPMAS_HTTP_PORT: String(port),
      OPMAS_OIDC_ISSUER: provider.issuer,
      OPMAS_OIDC_CLIENT_ID: CLIENT_ID,
      OPMAS_OIDC_CLIENT_SECRET: CLIENT_SECRET,
      OPMAS_OIDC_NAME: 'Head office',
      OPMAS_OIDC_ROLE_MAP: 'noc=operator,admins=admin,ghosts=nobody-knows,machines=agent',
    },
  });
  provider.groups.set('nina', ['noc', 'other']);
});
afterAll(async () => {
  await server.stop();
  await provider.stop();
});

const START = '/api/v1/auth/login/oidc/oidc';
const FLOW = '__Host-opmas-oidc';
const REFRESH = '__Host-opmas-refresh';
const HTML = { accept: 'text/html' };
const callback = () => `${server.url}${START}/callback`;
const refusedWith = async (response: Response, status: number, code: string) => {
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ code });
};

/** A browser that has come back from the provider, and the address it is about to open. */
async function returned(sub: string, query = '') {
  clock.move(2_100);
  const browser = new Browser();
  provider.visitor = sub;
  const back = await browser.follow(`${server.url}${START}${query}`, callback());
  return { browser, back };
}

/** Who the browser is signed in as. */
async function identity(browser: Browser) {
  const cookie = `${REFRESH}=${browser.cookie(server.url, REFRESH)}`;
  const headers = { cookie, 'content-type': 'application/json' };
  const url = `${server.url}/api/v1/auth/refresh`;
  const pair = (await (await fetch(url, { method: 'POST', headers, body: '{}' })).json()) as {
    access_token: string;
  };
  return (await server.call('GET', '/api/v1/auth/me', { token: pair.access_token })).body;
}

describe('sign-in through a provider', () => {
  it('is offered on the sign-in page', async () => {
    const answer = await server.call('GET', '/api/v1/auth/login/providers', { token: null });
    expect(answer.body).toEqual({ items: [{ id: 'oidc', name: 'Head office' }] });
  });

  it('ends on the page the visitor came from, with a session and the mapped roles', async () => {
    const { browser, back } = await returned('nina', '?return_to=/findings%3Fseverity=error');
    const response = await browser.get(back, HTML);
    expect(response.status).toBe(302);
    expect(response.headers.get('location')).toBe('/findings?severity=error');
    const [cookies] = [response.headers.getSetCookie().join('\n')];
    expect(cookies).toMatch(/__Host-opmas-refresh=[^;]+; .*HttpOnly; Secure; SameSite=Strict/);
    expect(browser.cookie(server.url, FLOW)).toBeUndefined();
    expect(await identity(browser)).toMatchObject({
      kind: 'user',
      username: 'nina',
      roles: ['operator'],
      password: false,
    });
  });

  it('knows the person again, with the roles they have now', async () => {
    provider.groups.set('nina', ['admins']);
    const { browser, back } = await returned('nina');
    await browser.get(back);
    expect(await identity(browser)).toMatchObject({ username: 'nina', roles: ['admin'] });
    provider.groups.set('nina', ['noc']);
    const again = await returned('nina');
    await again.browser.get(again.back);
    expect(await identity(again.browser)).toMatchObject({ roles: ['operator'] });
    const { items } = (await server.call('GET', '/api/v1/users')).body as {
      items: { username: string; source: string }[];
    };
    expect(items.filter(({ username }) => username === 'nina')).toMatchObject([{ source: 'oidc' }]);
  });

  it('never becomes a local user of the same name', async () => {
    const local = await person(server, 'carl', 'admin');
    provider.groups.set('carl', ['noc']);
    const { browser, back } = await returned('carl');
    await browser.get(back);
    const me = (await identity(browser)) as { id: string; username: string; roles: string[] };
    expect(me.id).not.toBe(local.user_id);
    expect(me.username).toMatch(/^carl-[0-9a-f]{8}$/);
    expect(me.roles).toEqual(['operator']);
  });

  it.each([
    ['no group', undefined],
    ['a group that has no role', ['other']],
    ['a role that does not exist', ['ghosts']],
    ['the role of agents', ['machines']],
    ['groups that are no texts', [1, null, { noc: true }]],
  ])('refuses who has %s, and says so', async (_, groups) => {
    provider.groups.set('guest', groups);
    const { browser, back } = await returned('guest');
    await refusedWith(await browser.get(back), 403, 'OPMAS_NO_ROLE');
    expect(browser.cookie(server.url, REFRESH)).toBeUndefined();
  });

  it('sends a browser back to the sign-in page with the code of the refusal', async () => {
    provider.groups.set('guest', []);
    const { browser, back } = await returned('guest');
    const response = await browser.get(back, HTML);
    expect(response.headers.get('location')).toBe('/login?refused=OPMAS_NO_ROLE');
  });

  it('has no password here, and its roles are the provider’s', async () => {
    const { browser, back } = await returned('nina');
    await browser.get(back);
    const { id } = (await identity(browser)) as { id: string };
    for (const body of [{ roles: ['admin'] }, { password: 'correct horse battery staple' }]) {
      const answer = await server.call('PUT', `/api/v1/users/${id}`, { body });
      expect(answer).toMatchObject({ status: 409, body: { code: 'OPMAS_CONFLICT' } });
    }
    const login = { username: 'nina', password: '' };
    for (const password of ['x', 'null', 'undefined']) {
      const answer = await server.call('POST', '/api/v1/auth/login', {
        token: null,
        body: { ...login, password },
      });
      expect(answer.status).toBe(401);
    }
  });

  it('is over for who is disabled here', async () => {
    const first = await returned('nina');
    await first.browser.get(first.back);
    const { id } = (await identity(first.browser)) as { id: string };
    await server.call('PUT', `/api/v1/users/${id}`, { body: { disabled: true } });
    const { browser, back } = await returned('nina');
    await refusedWith(await browser.get(back), 403, 'OPMAS_FORBIDDEN');
    await server.call('PUT', `/api/v1/users/${id}`, { body: { disabled: false } });
  });

  it('starts under the name the provider knows, whatever name the visitor used', async () => {
    const { port } = new URL(server.url);
    const response = await fetch(`http://localhost:${port}${START}?return_to=/x`, {
      redirect: 'manual',
    });
    expect(response.headers.get('location')).toBe(`${server.url}${START}?return_to=%2Fx&moved=1`);
  });

  it('is on record, with the refusals', async () => {
    const rows = await server.database.pool
      .selectFrom('audit_log')
      .select(['action', 'outcome'])
      .where('action', '=', 'auth.oidc')
      .execute();
    expect(rows).toContainEqual({ action: 'auth.oidc', outcome: 'ok' });
    expect(rows).toContainEqual({ action: 'auth.oidc', outcome: 'refused' });
  });
});

describe('X11 what comes back from a provider and proves nothing', () => {
  const invalid = (response: Response) => refusedWith(response, 401, 'OPMAS_TOKEN_INVALID');
  const withQuery = (url: string, change: Record<string, string>) => {
    const changed = new URL(url);
    for (const [name, value] of Object.entries(change)) changed.searchParams.set(name, value);
    return changed.href;
  };
  type Flow = Record<string, unknown>;
  const flowOf = (browser: Browser): Flow =>
    JSON.parse(Buffer.from(browser.cookie(server.url, FLOW) ?? '', 'base64url').toString()) as Flow;
  const setFlow = (browser: Browser, flow: Flow) =>
    browser.setCookie(server.url, FLOW, Buffer.from(JSON.stringify(flow)).toString('base64url'));

  it.each<[string, (url: string) => string]>([
    ['another state', (url) => withQuery(url, { state: 'x'.repeat(43) })],
    ['another issuer', (url) => withQuery(url, { iss: 'https://evil.example' })],
    ['no issuer', (url) => withQuery(url, { iss: '' })],
    ['a code nobody gave', (url) => withQuery(url, { code: 'x'.repeat(43) })],
    ['an error', () => `${callback()}?error=access_denied&state=x`],
    ['nothing', () => callback()],
  ])('%s is refused', async (_, change) => {
    const { browser, back } = await returned('nina');
    await invalid(await browser.get(change(back)));
    expect(browser.cookie(server.url, REFRESH)).toBeUndefined();
  });

  it.each([['nonce'], ['verifier'], ['state']])(
    'another %s in the browser is refused',
    async (part) => {
      const { browser, back } = await returned('nina');
      setFlow(browser, { ...flowOf(browser), [part]: 'x'.repeat(43) });
      await invalid(await browser.get(back));
    },
  );

  it('a browser that did not start it is refused', async () => {
    const { back } = await returned('nina');
    await invalid(await new Browser().get(back));
  });

  it('the code of another’s sign-in is refused in one’s own', async () => {
    const [victim, attacker] = [await returned('nina'), await returned('nina')];
    const code = new URL(victim.back).searchParams.get('code') ?? '';
    await invalid(await attacker.browser.get(withQuery(attacker.back, { code })));
  });

  it('the same return twice signs in once', async () => {
    const { browser, back } = await returned('nina');
    const flow = flowOf(browser);
    expect((await browser.get(back)).status).toBe(302);
    setFlow(browser, flow);
    await invalid(await browser.get(back));
  });

  it('a return after ten minutes is refused', async () => {
    const { browser, back } = await returned('nina');
    clock.move(600_001);
    await invalid(await browser.get(back));
  });

  it.each([
    ['not ours', 'eyJ4IjoxfQ'],
    ['no JSON', 'x'],
    ['null', Buffer.from('null').toString('base64url')],
    ['a list', Buffer.from('[]').toString('base64url')],
  ])('a flow cookie that is %s is refused', async (_, value) => {
    const { browser, back } = await returned('nina');
    browser.setCookie(server.url, FLOW, value);
    await invalid(await browser.get(back));
  });

  it.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    '/\t/evil.example',
    'findings',
    '',
    '/a\r\nset-cookie:x=y',
  ])('leads nobody to %j', async (target) => {
    clock.move(2_100);
    const query = new URLSearchParams({ return_to: target });
    const response = await new Browser().get(`${server.url}${START}?${query.toString()}`);
    await refusedWith(response, 400, 'OPMAS_INVALID_REQUEST');
  });

  it('nor to a target put into the cookie', async () => {
    const { browser, back } = await returned('nina');
    setFlow(browser, { ...flowOf(browser), returnTo: '//evil.example' });
    const response = await browser.get(back, HTML);
    expect(response.headers.get('location')).toBe('/login?refused=OPMAS_INVALID_REQUEST');
  });

  it('an unknown provider is not found', async () => {
    const response = await new Browser().get(`${server.url}/api/v1/auth/login/oidc/other`);
    await refusedWith(response, 404, 'OPMAS_NOT_FOUND');
  });

  it('a provider that is away is said to be', async () => {
    const away = await withProvider(`http://127.0.0.1:${await freePort()}`);
    try {
      const response = await fetch(`${away.url}${START}`, { redirect: 'manual' });
      await refusedWith(response, 503, 'OPMAS_PROVIDER_UNAVAILABLE');
      expect(response.headers.get('retry-after')).toBe('5');
    } finally {
      await away.stop();
    }
  });

  it('metadata of another issuer are not taken, and asked for again', async () => {
    const other = await withProvider(provider.issuer);
    const ask = () => fetch(`${other.url}${START}`, { redirect: 'manual' });
    provider.onTheWay.set('/.well-known/openid-configuration', (metadata) => ({
      ...metadata,
      issuer: 'https://evil.example',
    }));
    try {
      await refusedWith(await ask(), 503, 'OPMAS_PROVIDER_UNAVAILABLE');
      expect((await ask()).headers.get('location')).toMatch(`${provider.issuer}/auth?`);
    } finally {
      await other.stop();
    }
  });
});

const withProvider = (issuer: string) =>
  testServer({
    env: {
      OPMAS_OIDC_ISSUER: issuer,
      OPMAS_OIDC_CLIENT_ID: CLIENT_ID,
      OPMAS_OIDC_ROLE_MAP: 'noc=operator',
    },
  });

describe('X11 an ID token that says nothing for us', () => {
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const inSeconds = (seconds: number) => Math.floor(clock.now() / 1_000) + seconds;
  const hs256 = (key: string) => (input: Buffer) =>
    createHmac('sha256', key).update(input).digest();
  const changed = (claims: Json) => (idToken: unknown) => provider.resigned(idToken, claims);
  const publicPem = String(stranger.publicKey.export({ type: 'spki', format: 'pem' }));
  const jwk = stranger.publicKey.export({ format: 'jwk' });

  it.each<[string, (idToken: unknown) => string | undefined]>([
    [
      'signed by a key that is not the provider’s',
      (idToken) => provider.resigned(idToken, {}, {}, rs256(stranger.privateKey)),
    ],
    [
      'signed by the key in its own header',
      (idToken) =>
        provider.resigned(idToken, {}, { jwk, kid: undefined }, rs256(stranger.privateKey)),
    ],
    [
      'with the signature of other claims',
      (idToken) => {
        const [, , signature = ''] = String(idToken).split('.');
        return provider.resigned(idToken, { sub: 'carl' }, {}, () =>
          Buffer.from(signature, 'base64url'),
        );
      },
    ],
    [
      'signed with the client’s secret',
      (idToken) => provider.resigned(idToken, {}, { alg: 'HS256' }, hs256(CLIENT_SECRET)),
    ],
    [
      'signed with a public key as a secret',
      (idToken) => provider.resigned(idToken, {}, { alg: 'HS256' }, hs256(publicPem)),
    ],
    [
      'of algorithm none',
      (idToken) => provider.resigned(idToken, {}, { alg: 'none' }, () => Buffer.alloc(0)),
    ],
    ['of another issuer', changed({ iss: 'https://evil.example' })],
    ['of no issuer', changed({ iss: undefined })],
    ['for another client', changed({ aud: 'other' })],
    [
      'for us and another client, given to that one',
      changed({ aud: [CLIENT_ID, 'other'], azp: 'other' }),
    ],
    ['for nobody', changed({ aud: undefined })],
    ['with another nonce', changed({ nonce: 'x'.repeat(43) })],
    ['without a nonce', changed({ nonce: undefined })],
    ['that has expired', changed({ iat: inSeconds(-900), exp: inSeconds(-600) })],
    ['without an end', changed({ exp: undefined })],
    ['without a birth', changed({ iat: undefined })],
    ['that is not good yet', changed({ nbf: inSeconds(3_600) })],
    ['of nobody', changed({ sub: undefined })],
    ['of somebody without a name', changed({ sub: '' })],
    ['of somebody with an endless name', changed({ sub: 'x'.repeat(256) })],
    ['that is none', () => 'x.y.z'],
    ['left out', () => undefined],
  ])('%s is refused', async (_, change) => {
    const { browser, back } = await returned('nina');
    provider.onTheWay.set('/token', (answer) => ({
      ...answer,
      id_token: change(answer['id_token']),
    }));
    await refusedWith(await browser.get(back), 401, 'OPMAS_TOKEN_INVALID');
    expect(browser.cookie(server.url, REFRESH)).toBeUndefined();
  });

  it('signed again by the provider it is taken: what the others lack is what they lack', async () => {
    const { browser, back } = await returned('nina');
    provider.onTheWay.set('/token', (answer) => ({
      ...answer,
      id_token: provider.resigned(answer['id_token']),
    }));
    await browser.get(back);
    expect(await identity(browser)).toMatchObject({ username: 'nina' });
  });

  it('what is said of another person is not taken for this one', async () => {
    const { browser, back } = await returned('nina');
    provider.onTheWay.set('/me', (claims) => ({ ...claims, sub: 'carl', roles: ['admins'] }));
    await refusedWith(await browser.get(back), 401, 'OPMAS_TOKEN_INVALID');
  });

  it('an answer without end is not read to its end', async () => {
    const { browser, back } = await returned('nina');
    provider.onTheWay.set('/me', (claims) => ({ ...claims, more: 'x'.repeat(1_100_000) }));
    await refusedWith(await browser.get(back), 503, 'OPMAS_PROVIDER_UNAVAILABLE');
  });
});

describe('10.5.2 who somebody is', () => {
  it('is issuer and subject: a name or address of another person gives nothing of theirs', async () => {
    const first = await returned('olga');
    provider.groups.set('olga', ['admins']);
    provider.groups.set('mallory', ['noc']);
    await first.browser.get(first.back);
    const olga = (await identity(first.browser)) as { id: string };
    const second = await returned('mallory');
    provider.onTheWay.set('/me', (claims) => ({
      ...claims,
      preferred_username: 'olga',
      email: 'olga@example.com',
      email_verified: true,
    }));
    await second.browser.get(second.back);
    const mallory = (await identity(second.browser)) as { id: string; username: string };
    expect(mallory).toMatchObject({ roles: ['operator'] });
    expect(mallory.id).not.toBe(olga.id);
    expect(mallory.username).toMatch(/^olga-[0-9a-f]{8}$/);
  });

  it('the same subject of another provider is another person', async () => {
    const { browser, back } = await returned('nina');
    await browser.get(back);
    const { id } = (await identity(browser)) as { id: string };
    await server.database.pool
      .updateTable('users')
      .set({ issuer: 'https://old.example' })
      .where('id', '=', id)
      .execute();
    const again = await returned('nina');
    await again.browser.get(again.back);
    expect((await identity(again.browser)) as { id: string }).not.toMatchObject({ id });
  });

  it('a name that breaks lines is one line, and on record', async () => {
    provider.groups.set('guest', []);
    const { browser, back } = await returned('guest');
    provider.onTheWay.set('/me', (claims) => ({
      ...claims,
      preferred_username: `gu\0est\r\n\u001b[2J${'x'.repeat(500)}`,
    }));
    await refusedWith(await browser.get(back), 403, 'OPMAS_NO_ROLE');
    const { body } = await server.call('GET', '/api/v1/audit?action=auth.oidc&outcome=refused');
    expect(JSON.stringify(body)).toContain('gu est [2Jxxx');
  });
});

describe('7.6.2 a session begins with an act of the user', () => {
  it.each(['cross-site', 'same-site'])('a page %s leads to the sign-in page', async (site) => {
    clock.move(2_100);
    const headers = { ...HTML, 'sec-fetch-site': site };
    const browser = new Browser();
    const led = async (query: string) =>
      (await browser.get(`${server.url}${START}${query}`, headers)).headers.get('location');
    expect(await led('?return_to=%2Ffindings')).toBe('/login?next=%2Ffindings');
    expect(await led('')).toBe('/login');
    expect(await led('?return_to=https:%2F%2Fevil.example')).toBe(
      '/login?refused=OPMAS_INVALID_REQUEST',
    );
    expect(browser.cookie(server.url, FLOW)).toBeUndefined();
  });

  it.each(['same-origin', 'none'])('our own page, or a person: %s', async (site) => {
    clock.move(2_100);
    const response = await new Browser().get(`${server.url}${START}`, { 'sec-fetch-site': site });
    expect(response.headers.get('location')).toMatch(`${provider.issuer}/auth?`);
  });
});

describe('10.2.1 what the browser is sent to the provider with', () => {
  it('asks for a code, bound by PKCE, state and nonce, that are new each time', async () => {
    clock.move(2_100);
    const ask = async () => {
      const response = await new Browser().get(`${server.url}${START}`);
      return new URL(response.headers.get('location') ?? '').searchParams;
    };
    const [one, other] = [await ask(), await ask()];
    expect(Object.fromEntries(one)).toMatchObject({
      response_type: 'code',
      client_id: CLIENT_ID,
      redirect_uri: callback(),
      code_challenge_method: 'S256',
    });
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(one.get(name), name).toMatch(/^[\w-]{43}$/);
      expect(one.get(name), name).not.toBe(other.get(name));
    }
  });
});
