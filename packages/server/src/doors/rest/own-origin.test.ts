import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDoors, testDoors } from '../../testing/doors.ts';

let doors: TestDoors;
let behind: TestDoors;
let everywhere: TestDoors;
beforeAll(async () => {
  doors = await testDoors();
  behind = await testDoors({
    names: { host: '127.0.0.1', publicUrl: 'https://opmas.example' },
  });
  everywhere = await testDoors({ names: { host: '0.0.0.0', publicUrl: undefined } });
});
afterAll(() => Promise.all([doors.close(), behind.close(), everywhere.close()]));

interface Sent {
  at?: TestDoors;
  method?: string;
  path?: string;
  headers?: Record<string, string>;
}

/** With headers a browser's `fetch` would not let anybody set. */
function send({ at = doors, method = 'POST', path = '/api/v1/things', headers = {} }: Sent) {
  return new Promise<{ status: number; code: string | undefined }>((resolve, reject) => {
    const { port } = new URL(at.url);
    const call = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        headers: {
          authorization: 'Bearer user.anna',
          host: `127.0.0.1:${port}`,
          ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
          ...headers,
        },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            code: /"code":"(\w+)"/.exec(text)?.[1],
          }),
        );
      },
    );
    call.on('error', reject);
    call.end(method === 'POST' ? '{}' : undefined);
  });
}

const portOf = (at: TestDoors) => new URL(at.url).port;

describe('X7 changes that other sites ask for', () => {
  test.each<[string, () => Record<string, string>]>([
    ['another site', () => ({ origin: 'https://evil.example' })],
    ['another port of this machine', () => ({ origin: 'http://127.0.0.1:1' })],
    ['another scheme', () => ({ origin: `https://127.0.0.1:${portOf(doors)}` })],
    ['another name of this machine', () => ({ origin: `http://localhost:${portOf(doors)}` })],
    [
      'a name that begins like ours',
      () => ({ origin: `http://127.0.0.1:${portOf(doors)}.evil.example` }),
    ],
    ['a page that hides where it is', () => ({ origin: 'null' })],
    ['an origin that is none', () => ({ origin: '' })],
    ['cross-site', () => ({ 'sec-fetch-site': 'cross-site' })],
    ['same-site', () => ({ 'sec-fetch-site': 'same-site' })],
    ['a word no browser says', () => ({ 'sec-fetch-site': 'same-origin, cross-site' })],
    ['our origin, but cross-site', () => ({ origin: doors.url, 'sec-fetch-site': 'cross-site' })],
    [
      'same-origin, but another origin',
      () => ({ origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }),
    ],
  ])('%s: refused before anything is done', async (_, headers) => {
    const before = doors.ran.length;
    for (const method of ['POST', 'DELETE', 'PUT']) {
      const answer = await send({ method, headers: headers() });
      expect(answer).toEqual({ status: 403, code: 'OPMAS_CROSS_ORIGIN' });
    }
    expect(doors.ran.length).toBe(before);
  });

  test.each<[string, () => Record<string, string>]>([
    ['a script, which says nothing', () => ({})],
    ['our page', () => ({ origin: doors.url, 'sec-fetch-site': 'same-origin' })],
    ['our page without fetch metadata', () => ({ origin: doors.url })],
    [
      'our page, telling nobody its address',
      () => ({ origin: 'null', 'sec-fetch-site': 'same-origin' }),
    ],
    ['a person', () => ({ 'sec-fetch-site': 'none' })],
  ])('%s: done', async (_, headers) => {
    expect((await send({ headers: headers() })).status).toBe(200);
  });

  test('reading may be asked for from anywhere: a link to OPMAS is no attack', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    expect((await send({ method: 'GET', headers })).status).toBe(200);
  });

  test('behind a proxy the public origin is ours, and the one behind it still is', async () => {
    const headers = { host: 'opmas.example', origin: 'https://opmas.example' };
    expect((await send({ at: behind, headers })).status).toBe(200);
    expect((await send({ at: behind, headers: { origin: 'https://opmas.example' } })).status).toBe(
      200,
    );
    expect((await send({ at: behind, headers: { origin: behind.url } })).status).toBe(200);
    for (const origin of [
      'http://opmas.example',
      'https://opmas.example.evil.example',
      'https://a.opmas.example',
    ]) {
      const answer = await send({ at: behind, headers: { host: 'opmas.example', origin } });
      expect(answer.code, origin).toBe('OPMAS_CROSS_ORIGIN');
    }
  });
});

describe('X7 names that an attacker’s DNS answers with our address', () => {
  test.each([
    'evil.example',
    'evil.example:8080',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'opmas.example',
    '0.0.0.0',
    '192.0.2.1',
    '[2001:db8::1]:8080',
    'localhost:80:80',
    'local host',
    'user@localhost',
    '[::1',
  ])('%j is refused, for reading too', async (host) => {
    const before = doors.ran.length;
    for (const method of ['GET', 'POST']) {
      const answer = await send({ method, headers: { host, origin: `http://${host}` } });
      expect([400, 421]).toContain(answer.status);
      if (answer.status === 421) expect(answer.code).toBe('OPMAS_UNKNOWN_HOST');
    }
    expect((await send({ method: 'GET', path: '/', headers: { host } })).status).not.toBe(200);
    expect((await send({ method: 'GET', path: '/metrics', headers: { host } })).status).not.toBe(
      200,
    );
    expect(doors.ran.length).toBe(before);
  });

  test.each([
    'localhost',
    'LOCALHOST:8080',
    'localhost.',
    '127.0.0.1',
    '127.1.2.3:80',
    '[::1]:8080',
  ])('%s is this machine', async (host) => {
    expect((await send({ method: 'GET', headers: { host } })).status).toBe(200);
  });

  test('the public name is ours once it is set', async () => {
    expect(
      (await send({ at: behind, method: 'GET', headers: { host: 'opmas.example' } })).status,
    ).toBe(200);
    expect(
      (await send({ at: behind, method: 'GET', headers: { host: 'evil.example' } })).status,
    ).toBe(421);
  });

  test('listening everywhere, every address is ours and a name still is not', async () => {
    for (const host of ['192.0.2.1', '10.0.0.5:8080', '[2001:db8::1]:8080']) {
      expect((await send({ at: everywhere, method: 'GET', headers: { host } })).status, host).toBe(
        200,
      );
    }
    const named = await send({ at: everywhere, method: 'GET', headers: { host: 'evil.example' } });
    expect(named.code).toBe('OPMAS_UNKNOWN_HOST');
  });

  test('probes come by whatever name the cluster gave', async () => {
    for (const path of ['/health', '/health/live', '/health/ready']) {
      expect((await send({ method: 'GET', path, headers: { host: 'opmas.svc' } })).status).toBe(
        200,
      );
    }
    expect(
      (await send({ method: 'GET', path: '/healthx', headers: { host: 'opmas.svc' } })).status,
    ).toBe(421);
  });
});

describe('X7 what browsers are told', () => {
  test('every answer: nothing loads, nothing frames, nothing is guessed, nothing is sent along', async () => {
    for (const path of ['/api/v1/things', '/health/live', '/nothing', '/api/v1/openapi.json']) {
      const { headers } = await doors.call('GET', path);
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
      );
      expect(Object.fromEntries(headers)).toMatchObject({
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
      expect(headers.get('permissions-policy')).toMatch(/camera=\(\).*microphone=\(\)/);
      expect(headers.get('strict-transport-security')).toBeNull();
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  test('no policy of ours allows anything unsafe', async () => {
    const { docsPolicy, pagePolicy } = await import('./headers.ts');
    for (const policy of [pagePolicy('n', true), docsPolicy('n', true)]) {
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(policy).toMatch(/frame-ancestors 'none'.*report-uri \/api\/v1\/csp-reports/);
    }
    expect(pagePolicy('n', false)).toContain("require-trusted-types-for 'script'");
    const docs = await doors.call('GET', '/api/docs');
    expect(docs.headers.get('content-security-policy')).toMatch(/script-src 'self' 'nonce-.{20,}'/);
  });

  test('HTTPS for a year is promised for our public name only', async () => {
    const said = (host: string) =>
      new Promise<unknown>((resolve, reject) => {
        const { port } = new URL(behind.url);
        request({ host: '127.0.0.1', port, path: '/health/live', headers: { host } }, (answer) => {
          answer.resume();
          resolve(answer.headers['strict-transport-security']);
        })
          .on('error', reject)
          .end();
      });
    expect(await said('opmas.example')).toBe('max-age=31536000');
    expect(await said('localhost')).toBeUndefined();
  });
});
