/** X25 a body is held for somebody who may send it, and there is an end to what is held at once. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { waitFor } from '@opmas/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { limits } from '../../kernel/limits.ts';
import { type TestDoors, testDoors } from '../../testing/doors.ts';
import { type Bodies, createBodies, type HeldBody } from './bodies.ts';

const KIB = 1_024;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A request that has arrived, and the client's side of it. */
async function arrived(headers: Record<string, string | number> = {}) {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  const { port } = server.address() as AddressInfo;
  const client = request({ host: '127.0.0.1', port, method: 'POST', headers });
  client.on('error', () => undefined);
  client.flushHeaders();
  const [incoming] = (await once(server, 'request')) as [IncomingMessage];
  return { client, incoming };
}

const bounds = { bytes: 40 * KIB, bytesOfOne: 20 * KIB, small: KIB };

async function sent(bodies: Bodies, bytes: number, whose: string): Promise<HeldBody> {
  const { client, incoming } = await arrived();
  client.end(Buffer.alloc(bytes, 'a'));
  return bodies.read(incoming, 64 * KIB, whose);
}

describe('X25 the room for bodies', () => {
  test('is taken while a body is held, and given back once', async () => {
    const bodies = createBodies(bounds);
    const body = await sent(bodies, 10 * KIB, 'user anna');
    expect(body.bytes.length).toBe(10 * KIB);
    expect(bodies.held()).toBe(9 * KIB);
    body.release();
    body.release();
    expect(bodies.held()).toBe(0);
  });

  test('of one caller is a part of it: others still have theirs, until all of it is taken', async () => {
    const bodies = createBodies(bounds);
    await sent(bodies, 20 * KIB, 'user anna');
    await expect(sent(bodies, 10 * KIB, 'user anna')).rejects.toMatchObject({
      code: 'OPMAS_UNAVAILABLE',
      retryAfter: 1,
    });
    await sent(bodies, 20 * KIB, 'user ben');
    await expect(sent(bodies, 10 * KIB, 'user eve')).rejects.toMatchObject({
      code: 'OPMAS_UNAVAILABLE',
    });
    expect(bodies.held()).toBe(38 * KIB);
    // What is small needs none: signing in goes on.
    expect((await sent(bodies, KIB, 'anonymous')).bytes.length).toBe(KIB);
  });

  test('comes back when the sender goes away in the middle', async () => {
    const bodies = createBodies(bounds);
    const { client, incoming } = await arrived({ 'content-length': 10 * KIB });
    const read = bodies.read(incoming, 64 * KIB, 'user anna');
    const failed = expect(read).rejects.toMatchObject({ code: 'OPMAS_INVALID_REQUEST' });
    client.write(Buffer.alloc(5 * KIB));
    await waitFor(() => bodies.held() > 0);
    client.destroy();
    await failed;
    expect(bodies.held()).toBe(0);
  });

  test('is not touched by a body whose length is too much', async () => {
    const bodies = createBodies(bounds);
    const { incoming } = await arrived({ 'content-length': 65 * KIB });
    await expect(bodies.read(incoming, 64 * KIB, 'user anna')).rejects.toMatchObject({
      code: 'OPMAS_TOO_LARGE',
    });
    expect(bodies.held()).toBe(0);
  });
});

describe('X25 who may make the server hold a body', () => {
  const open = async (given: Parameters<typeof testDoors>[0] = {}): Promise<TestDoors> => {
    const doors = await testDoors(given);
    closing.push(() => doors.close());
    return doors;
  };

  /** Says what it says and leaves the rest of its body out; resolves with the status. */
  async function begun(doors: TestDoors, path: string, token: string, length: number) {
    const { port } = new URL(doors.url);
    const socket: Socket = connect(Number(port), '127.0.0.1');
    closing.push(() => socket.destroy());
    let said = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    socket.write(
      `POST /api/v1${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n{`,
    );
    return { socket, said: () => said, status: () => /^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] };
  }

  test('nobody without a token: refused before the body has come', async () => {
    const doors = await open();
    const call = await begun(doors, '/things', 'nobody', limits.bodyBytes);
    await waitFor(() => call.status() !== undefined);
    expect(call.status()).toBe('401');
    expect(doors.ran).toEqual([]);
  });

  test('a call that needs no token takes a small one alone', async () => {
    const doors = await open();
    const body = JSON.stringify({ text: 'a'.repeat(limits.openBodyBytes) });
    expect((await doors.call('POST', '/api/v1/open', { body })).status).toBe(413);
    expect((await doors.call('POST', '/api/v1/things', { body })).status).toBe(200);
  });

  test('503 with Retry-After when the room is taken, until a body of before is gone', async () => {
    const doors = await open({ bodyBounds: bounds });
    const body = JSON.stringify({ text: 'a'.repeat(15 * KIB) });
    const first = await begun(doors, '/things', 'user.anna', 18 * KIB);
    first.socket.write(' '.repeat(16 * KIB));
    const post = () => doors.call('POST', '/api/v1/things', { body });
    let refused = await post();
    await waitFor(async () => {
      if (refused.status !== 503) refused = await post();
      return refused.status === 503;
    });
    expect(refused.headers.get('retry-after')).toBe('1');
    first.socket.destroy();
    await waitFor(async () => (await post()).status === 200);
  });

  test('the room is given back with the answer, whatever it was', async () => {
    const doors = await open({ bodyBounds: bounds });
    const text = 'a'.repeat(15 * KIB);
    for (const [body, status] of [
      [JSON.stringify({ text }), 200],
      [JSON.stringify({ txt: text }), 400],
      [`{"text":"${text}`, 400],
    ] as const) {
      for (let times = 0; times < 3; times += 1) {
        expect((await doors.call('POST', '/api/v1/things', { body })).status).toBe(status);
      }
    }
  });
});
