import { once } from 'node:events';
import { waitFor } from '@opmas/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { limits } from '../../kernel/limits.ts';
import { type TestDoors, testDoors } from '../../testing/doors.ts';

let doors: TestDoors;
const open: WebSocket[] = [];
beforeAll(async () => {
  doors = await testDoors({ names: { host: '127.0.0.1', publicUrl: 'https://opmas.example' } });
});
afterEach(async () => {
  for (const socket of open.splice(0)) socket.terminate();
  await waitFor(() => doors.feed.clients() === 0);
});
afterAll(() => doors.close());

const PATHS = ['/api/v1/agents/ws', '/agents/ws'];

function dial(path = PATHS[0] ?? '', options: ClientOptions = {}): WebSocket {
  const socket = new WebSocket(`${doors.url.replace('http', 'ws')}${path}`, options);
  open.push(socket.on('error', () => undefined));
  return socket;
}

/** The status the upgrade was refused with; 101 when it was not. */
function upgradeStatus(path: string, options: ClientOptions = {}): Promise<number> {
  const socket = dial(path, options);
  return new Promise((resolve) => {
    socket.on('open', () => resolve(101));
    socket.on('unexpected-response', (_request, answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
  });
}

async function opened(): Promise<WebSocket> {
  const socket = dial();
  await once(socket, 'open');
  return socket;
}

async function closeCode(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, 'close')) as [number];
  return code;
}

const say = (socket: WebSocket, message: unknown) =>
  socket.send(typeof message === 'string' ? message : JSON.stringify(message));

async function subscribed(token: string): Promise<WebSocket> {
  const socket = await opened();
  const answered = once(socket, 'message');
  say(socket, { type: 'auth', token });
  say(socket, { type: 'subscribe', topics: ['findings'] });
  await answered;
  return socket;
}

describe('X8 refused before there is a connection', () => {
  test.each(PATHS)('%s from another origin', async (path) => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://opmas.example', host: 'opmas.example' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      expect(await upgradeStatus(path, { headers }), JSON.stringify(headers)).toBe(403);
    }
    expect(await upgradeStatus(path, { headers: { host: 'evil.example' } })).toBe(421);
    expect(doors.feed.clients()).toBe(0);
  });

  test.each(PATHS)('%s with a token in the address', async (path) => {
    for (const query of ['token=user.anna', 'access_token=user.anna', 'x=1']) {
      expect(await upgradeStatus(`${path}?${query}`)).toBe(400);
    }
  });

  test.each(PATHS)(
    '%s from our page, from the public origin and from a script is taken',
    async (path) => {
      expect(await upgradeStatus(path, { headers: { origin: doors.url } })).toBe(101);
      const behind = { origin: 'https://opmas.example', host: 'opmas.example' };
      expect(await upgradeStatus(path, { headers: behind })).toBe(101);
      expect(await upgradeStatus(path)).toBe(101);
      expect(await upgradeStatus(`${path}?api_version=1`)).toBe(101);
    },
  );
});

describe('X8 who has not said who they are hears nothing', () => {
  test.each<[string, unknown, number]>([
    ['a subscription first', { type: 'subscribe', topics: ['findings'] }, 4401],
    ['a forged token', { type: 'auth', token: 'forged' }, 4401],
    ['a field nobody knows', { type: 'auth', token: 'user.anna', as: 'admin' }, 4401],
    ['an empty token', { type: 'auth', token: '' }, 4401],
    ['a token that is no text', { type: 'auth', token: { $ne: '' } }, 4401],
    ['no JSON', 'hello', 4400],
    ['JSON without bottom', '['.repeat(10_000), 4400],
    ['a message too large', 'x'.repeat(limits.feedMessageBytes + 1), 1009],
  ])('%s closes with %s', async (_, message, code) => {
    const socket = await opened();
    const heard: unknown[] = [];
    socket.on('message', (data) => heard.push(data));
    say(socket, message);
    expect(await closeCode(socket)).toBe(code);
    expect(heard).toEqual([]);
  });

  test('nobody is told that their token is bad, or why, while it cannot be judged', async () => {
    const socket = await opened();
    const closed = once(socket, 'close') as Promise<[number, Buffer]>;
    say(socket, { type: 'auth', token: 'away' });
    const [code, reason] = await closed;
    expect(code).toBe(1013);
    expect(reason.toString()).not.toContain('ECONNREFUSED');
  });

  test('a header or a cookie is no token: only the first message counts', async () => {
    const socket = dial(PATHS[0], {
      headers: { authorization: 'Bearer user.anna', cookie: '__Host-opmas-refresh=user.anna' },
    });
    await once(socket, 'open');
    say(socket, { type: 'subscribe', topics: ['findings'] });
    expect(await closeCode(socket)).toBe(4401);
  });

  test('a second sign-in on the same connection is refused', async () => {
    const socket = await subscribed('user.anna');
    say(socket, { type: 'auth', token: 'user.bob' });
    expect(await closeCode(socket)).toBe(4400);
  });
});

describe('X8 the end of a token is the end of the connection', () => {
  test('at its expiry', async () => {
    const socket = await subscribed('user.brief.300');
    const started = performance.now();
    expect(await closeCode(socket)).toBe(4401);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('a token for years is not taken for one that has expired', async () => {
    const socket = await subscribed(`token.long.${400 * 86_400_000}`);
    await subscribed('user.brief.200').then(closeCode);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  test('at the end of the session, and only of that one', async () => {
    const [anna, bob] = await Promise.all([subscribed('user.anna'), subscribed('user.bob')]);
    doors.ended.add('anna');
    const closed = closeCode(anna);
    doors.feed.dropRevoked();
    expect(await closed).toBe(4401);
    doors.ended.clear();
    const heard = once(bob, 'message');
    doors.feed.sample('findings', 'finding', { agent_id: 'a' });
    expect(JSON.parse(String((await heard)[0]))).toMatchObject({ type: 'finding' });
  });

  test('also of one that has not subscribed to anything yet', async () => {
    const socket = await opened();
    const closed = closeCode(socket);
    say(socket, { type: 'auth', token: 'user.anna' });
    doors.ended.add('anna');
    await waitFor(() => {
      doors.feed.dropRevoked();
      return socket.readyState === WebSocket.CLOSED;
    });
    expect(await closed).toBe(4401);
    doors.ended.clear();
  });
});

describe('X8 one client takes nothing of the others', () => {
  test('so many messages a minute, and the connection ends', async () => {
    const socket = await opened();
    say(socket, { type: 'auth', token: 'user.anna' });
    for (let n = 0; n < limits.feedMessagesAMinute + 10; n += 1) {
      say(socket, { type: 'subscribe', topics: ['findings'] });
    }
    expect(await closeCode(socket)).toBe(4429);
  });

  test('so many topics at once', async () => {
    const socket = await subscribed('user.anna');
    const topics = Array.from({ length: 65 }, (_, n) => `logs:a-${n}`);
    say(socket, { type: 'subscribe', topics });
    expect(await closeCode(socket)).toBe(4400);
  });

  test('so many connections of one caller; another still gets its own', async () => {
    const mine = await Promise.all(
      Array.from({ length: limits.feedClientsOfOne }, () => subscribed('user.anna')),
    );
    const extra = await opened();
    say(extra, { type: 'auth', token: 'user.anna' });
    expect(await closeCode(extra)).toBe(4429);
    expect((await subscribed('user.bob')).readyState).toBe(WebSocket.OPEN);
    const gone = once(mine[0] as WebSocket, 'close');
    mine[0]?.close();
    await gone;
    await waitFor(() => doors.feed.clients() === limits.feedClientsOfOne);
    expect((await subscribed('user.anna')).readyState).toBe(WebSocket.OPEN);
  });
});
