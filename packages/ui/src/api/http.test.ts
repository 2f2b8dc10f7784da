// Requests against a real server that breaks off, stays silent, or says what nobody can read.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { ApiError, download, isRefusal, type Request, send } from './http.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  vi.unstubAllGlobals();
  for (const stop of stops.splice(0)) stop();
});

/** What the page calls by a path alone goes to a server that answers so. */
async function answering(answer: RequestListener): Promise<void> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const real = globalThis.fetch;
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => real(`${base}${path}`, init));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
}

async function failureOf(ask: (request: Request) => Promise<unknown>, request: Partial<Request>) {
  const error: unknown = await ask({ path: '/agents', ...request }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ApiError) return error;
  throw new Error('no ApiError', { cause: error });
}

test.each([
  ['an answer', send],
  ['a file', download],
])('%s that breaks off on the way is not taken, and is worth another try', async (_what, ask) => {
  await answering((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"items":[', () => response.destroy());
  });
  const error = await failureOf(ask, {});
  expect(error).toMatchObject({
    status: 0,
    code: 'OPMAS_API_UNREACHABLE',
    message: 'The answer broke off on the way',
  });
  expect(isRefusal(error)).toBe(false);
});

test.each([
  ['before the first word', false],
  ['in the middle', true],
])(
  'a server that falls silent %s is given up, after the time that is named',
  async (_when, begun) => {
    await answering((_request, response) => {
      if (begun) response.writeHead(200, { 'content-length': '100' }).write('{');
    });
    expect(await failureOf(send, { timeoutMs: 1_000 })).toMatchObject({
      status: 0,
      code: 'OPMAS_TIMEOUT',
      message: 'No answer within 1 second',
    });
  },
);

test('what is called off is no fault of the server', async () => {
  await answering((_request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{');
  });
  const off = new AbortController();
  const asked = send({ path: '/agents', signal: off.signal });
  const ended = expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  off.abort();
  await ended;
});

test('a refusal is told in the words of the server, and an unreadable one with its number', async () => {
  const errors = [{ path: 'limit', message: 'is more than 10' }];
  await answering((request, response) => {
    if (request.url === '/api/v1/agents') {
      const problem = { code: 'OPMAS_INVALID_REQUEST', detail: 'Bad limit', errors };
      response.writeHead(400, { 'retry-after': '7' }).end(JSON.stringify(problem));
    } else response.writeHead(502).end('<html>');
  });
  expect(await failureOf(send, {})).toMatchObject({
    status: 400,
    code: 'OPMAS_INVALID_REQUEST',
    message: 'Bad limit',
    fields: errors,
    retryAfter: 7,
  });
  expect(await failureOf(send, { path: '/other' })).toMatchObject({
    status: 502,
    code: 'OPMAS_UNAVAILABLE',
  });
});
