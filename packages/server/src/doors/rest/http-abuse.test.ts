import { connect, type Socket } from 'node:net';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../kernel/limits.ts';
import { type TestDoors, testDoors } from '../../testing/doors.ts';
import { PARSER_OPTIONS } from './connections.ts';

let doors: TestDoors;
const sockets = new Set<Socket>();
beforeAll(async () => {
  doors = await testDoors();
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await doors.close();
});

const HOST = 'Host: localhost\r\n';
const AUTH = 'Authorization: Bearer user.anna\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';

/** Everything that was answered: the status of each. */
const statuses = (said: string) =>
  [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((m) => Number(m[1]));

function held(): Promise<Socket> {
  const { port } = new URL(doors.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => resolve(socket));
    sockets.add(socket.on('error', reject));
  });
}

describe('X25 requests that two parsers would read differently', () => {
  const POST = `POST /api/v1/things HTTP/1.1\r\n${HOST}${AUTH}${JSON_TYPE}`;
  const SMUGGLED = `DELETE /api/v1/things HTTP/1.1\r\n${HOST}${AUTH}\r\n`;

  test.each([
    [
      'Content-Length and Transfer-Encoding',
      `${POST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    [
      'Transfer-Encoding and Content-Length',
      `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    ['two lengths', `${POST}Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}${SMUGGLED}`],
    ['a list of lengths', `${POST}Content-Length: 2, 2\r\n\r\n{}${SMUGGLED}`],
    ['a length with a sign', `${POST}Content-Length: +2\r\n\r\n{}${SMUGGLED}`],
    ['an encoding nobody knows', `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ['two encodings', `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ['a space before the colon', `${POST}Content-Length : 2\r\n\r\n{}${SMUGGLED}`],
    ['a folded header', `${POST}X-A: b\r\n Content-Length: 2\r\n\r\n{}${SMUGGLED}`],
    ['a bare line feed', `${POST}X-A: b\nContent-Length: 2\r\n\r\n{}${SMUGGLED}`],
    ['a bare carriage return', `${POST}X-A: b\rContent-Length: 2\r\n\r\n{}${SMUGGLED}`],
    ['NUL in a header', `${POST}X-A: b\u0000c\r\nContent-Length: 2\r\n\r\n{}${SMUGGLED}`],
    [
      'a chunk size that is none',
      `${POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n${SMUGGLED}`,
    ],
    [
      'a chunk size too large',
      `${POST}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n${SMUGGLED}`,
    ],
  ])(
    '%s: 400 once, the connection ends, and what was hidden behind is not done',
    async (_, text) => {
      const before = doors.ran.length;
      const said = await doors.exchange(text);
      expect(statuses(said).at(-1)).toBe(400);
      expect(statuses(said).length).toBe(1);
      expect(doors.ran.slice(before)).not.toContain('things.delete');
    },
  );

  test.each([
    ['two hosts', `GET /api/v1/things HTTP/1.1\r\n${HOST}Host: evil.example\r\n${AUTH}`],
    ['the same host twice', `GET /api/v1/things HTTP/1.1\r\n${HOST}${HOST}${AUTH}`],
    ['no host', `GET /api/v1/things HTTP/1.1\r\n${AUTH}`],
    ['a whole address as target', `GET http://localhost/api/v1/things HTTP/1.1\r\n${HOST}${AUTH}`],
    ['another server as target', `GET http://evil.example/ HTTP/1.1\r\n${HOST}${AUTH}`],
    ['an authority as target', `GET localhost:80 HTTP/1.1\r\n${HOST}${AUTH}`],
    ['a star as target', `OPTIONS * HTTP/1.1\r\n${HOST}${AUTH}`],
  ])('%s: 400', async (_, head) => {
    const before = doors.ran.length;
    const said = await doors.exchange(`${head}Connection: close\r\n\r\n`);
    expect(statuses(said)).toEqual([400]);
    expect(doors.ran.length).toBe(before);
  });

  test('HTTP/1.0 without a host is not ours, and an empty host neither', async () => {
    for (const text of [
      `GET /api/v1/things HTTP/1.0\r\n${AUTH}\r\n`,
      `GET /api/v1/things HTTP/1.1\r\nHost:\r\n${AUTH}Connection: close\r\n\r\n`,
    ]) {
      expect(statuses(await doors.exchange(text))[0]).toBe(421);
    }
  });
});

describe('X25 methods and paths', () => {
  test.each(['TRACE', 'TRACK', 'CONNECT', 'PROPFIND', 'PATCH', 'FOO', 'get'])(
    '%s is not done, and nothing is echoed',
    async (method) => {
      const target = method === 'CONNECT' ? 'localhost:22' : '/api/v1/things';
      const said = await doors
        .exchange(
          `${method} ${target} HTTP/1.1\r\n${HOST}X-Secret: s3cret\r\nConnection: close\r\n\r\n`,
        )
        .catch((error: unknown) => String(error));
      for (const status of statuses(said)) expect([400, 404, 405]).toContain(status);
      expect(said).not.toContain('s3cret');
    },
  );

  test.each(['x-http-method-override', 'x-http-method', 'x-method-override'])(
    'the method is that of the request, whatever %s says',
    async (header) => {
      const before = doors.ran.length;
      const answer = await doors.call('POST', '/api/v1/things?_method=DELETE', {
        body: '{}',
        headers: { [header]: 'DELETE' },
      });
      expect(answer.status).toBe(400);
      const plain = await doors.call('POST', '/api/v1/things', {
        body: '{}',
        headers: { [header]: 'DELETE' },
      });
      expect(plain.status).toBe(200);
      expect(doors.ran.slice(before)).toEqual(['things.make']);
    },
  );

  test.each([
    '/api/docs/assets/../../../../package.json',
    '/api/docs/assets/%2e%2e/%2e%2e/package.json',
    '/api/docs/assets/..%2f..%2fpackage.json',
    '/api/docs/assets/..%5c..%5cpackage.json',
    '/api/docs/assets/%252e%252e/package.json',
    '/api/docs/assets/....//package.json',
    '/api/docs/assets/package.json',
    '/api/docs/assets/swagger-ui.js.map',
    '//etc/passwd',
    '/..;/etc/passwd',
    '/.git/config',
    '/.env',
    '/assets/%00',
  ])('%s leads to nothing', async (path) => {
    const said = await doors.exchange(`GET ${path} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    expect([400, 403, 404]).toContain(statuses(said)[0]);
    expect(said).not.toMatch(/"dependencies"|root:|\[core\]/);
  });
});

describe('X25 sizes', () => {
  test('a head larger than the limit', async () => {
    for (const head of [
      `X-A: ${'a'.repeat(limits.headerBytes)}\r\n`,
      Array.from({ length: 2_000 }, (_, n) => `X-${n}: aaaa\r\n`).join(''),
    ]) {
      const said = await doors.exchange(`GET /health/live HTTP/1.1\r\n${HOST}${head}\r\n`);
      expect(statuses(said)).toEqual([413]);
      expect(said).toContain('OPMAS_TOO_LARGE');
    }
  });

  test('a query of ten thousand parameters', async () => {
    const query = Array.from({ length: 1_500 }, (_, n) => `p${n}=1`).join('&');
    const answer = await doors.call('GET', `/api/v1/things?${query}`);
    expect(answer.status).toBe(400);
    expect((await answer.text()).length).toBeLessThan(8_000);
  });

  test('64 MB of body are refused by their length, before they are sent', async () => {
    const said = await doors.exchange(
      `POST /api/v1/things HTTP/1.1\r\n${HOST}${AUTH}${JSON_TYPE}Content-Length: ${64 * 1024 * 1024}\r\n\r\n`,
    );
    expect(statuses(said)).toEqual([413]);
  });

  test('a body without a length is cut at the limit', async () => {
    const chunk = `${(64 * 1024).toString(16)}\r\n${'a'.repeat(64 * 1024)}\r\n`;
    const said = await doors.exchange(
      `POST /api/v1/things HTTP/1.1\r\n${HOST}${AUTH}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n`,
      ...Array.from({ length: 20 }, () => chunk),
    );
    expect(statuses(said)).toEqual([413]);
  });

  test.each([
    ['lists', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ])('JSON of %s a hundred thousand deep', async (_, body) => {
    const started = performance.now();
    const answer = await doors.call('POST', '/api/v1/things', { body });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('nested deeper than 64 levels');
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test('a compressed body is not opened', async () => {
    const answer = await doors.call('POST', '/api/v1/things', {
      body: 'H4sIAAAAAAAA',
      headers: { 'content-encoding': 'gzip' },
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });
});

describe('X25 time', () => {
  test('the limits are those that are promised', () => {
    expect(PARSER_OPTIONS).toMatchObject({
      maxHeaderSize: 16 * 1024,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 1_000,
    });
  });

  test('a head that never ends, and a connection that says nothing, end within the limit', async () => {
    const started = performance.now();
    const [slow, silent] = await Promise.all([held(), held()]);
    let said = '';
    slow.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    silent.resume();
    slow.write(`GET /api/v1/things HTTP/1.1\r\n${HOST}`);
    // One byte now and then, as slowloris does: it does not buy time.
    const drip = setInterval(() => slow.writable && slow.write('X'), 500);
    try {
      await waitFor(() => slow.closed && silent.closed, { timeoutMs: 25_000 });
    } finally {
      clearInterval(drip);
    }
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(statuses(said)).toEqual([400]);
  }, 30_000);

  test('while a thousand connections say nothing, others are answered', async () => {
    await Promise.all(Array.from({ length: 1_000 }, held));
    const started = performance.now();
    expect((await doors.call('GET', '/api/v1/things')).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test('one address may not hold more connections than its share', async () => {
    const extra = Array.from({ length: limits.httpConnectionsOfOne }, () => held());
    const open = await Promise.all(extra);
    await waitFor(() => open.some((socket) => socket.closed), { timeoutMs: 10_000 });
    expect(open.filter((socket) => !socket.closed).length).toBeLessThanOrEqual(
      limits.httpConnectionsOfOne,
    );
  });
});
