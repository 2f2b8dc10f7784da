// The feed against a real WebSocket server: signs in, comes back with its cursor, gives up bad tokens.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { type RawData, type WebSocket as ServerSocket, WebSocketServer } from 'ws';
import { createFeed, type FeedPorts } from './feed.ts';
import type { LiveMessage } from './messages.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function bench(over: Partial<FeedPorts> = {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const got: unknown[] = [];
  const sockets: ServerSocket[] = [];
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('message', (data) => got.push(JSON.parse(textOf(data))));
  });
  const messages: LiveMessage[] = [];
  const gaps = vi.fn<() => void>();
  const feed = createFeed({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open: (url) => new WebSocket(url),
    topics: () => ['agents', 'findings'],
    token: async () => 'token-1',
    onMessage: (message) => messages.push(message),
    onGap: gaps,
    now: () => Date.now(),
    random: () => 0,
    waitFor: () => 5,
    ...over,
  });
  stops.push(() => {
    feed.stop();
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return { feed, server, got, sockets, messages, gaps };
}

const textOf = (data: RawData) => (Buffer.isBuffer(data) ? data.toString('utf8') : '');
const until = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 5 });
const subscribe = { type: 'subscribe', topics: ['agents', 'findings'] };

test('signs in before it subscribes, and asks for everything as it has no cursor', async () => {
  const { feed, got, gaps } = await bench();
  feed.start();
  await until(() => expect(got).toEqual([{ type: 'auth', token: 'token-1' }, subscribe]));
  expect(feed.state()).toEqual({ kind: 'live' });
  expect(gaps).toHaveBeenCalledTimes(1);
});

test('comes back after a break with the last cursor and fetches nothing again', async () => {
  const { feed, got, sockets, messages, gaps } = await bench();
  feed.start();
  await until(() => expect(got).toHaveLength(2));
  sockets[0]?.send(JSON.stringify({ type: 'job', cursor: 'e1.41', data: {} }));
  sockets[0]?.send(JSON.stringify({ type: 'metric', cursor: null, data: {} }));
  await until(() => expect(messages).toHaveLength(2));
  sockets[0]?.terminate();
  await until(() => expect(got.slice(3)).toEqual([{ ...subscribe, cursor: 'e1.41' }]));
  expect(feed.state()).toEqual({ kind: 'live' });
  expect(gaps).toHaveBeenCalledTimes(1);
});

test('a snapshot means: fetch everything again', async () => {
  const { feed, got, sockets, gaps } = await bench();
  feed.start();
  await until(() => expect(got).toHaveLength(2));
  sockets[0]?.send(JSON.stringify({ type: 'snapshot', cursor: 'e2.1', data: {} }));
  await until(() => expect(gaps).toHaveBeenCalledTimes(2));
});

test('a connection refused without a word is tried again with another token', async () => {
  const asked: (string | undefined)[] = [];
  const { feed, server, got } = await bench({
    token: async (refused) => {
      asked.push(refused);
      return refused === 'old' ? 'new' : 'old';
    },
  });
  server.on('connection', (socket) =>
    socket.on('message', (data) => {
      if (textOf(data).includes('"old"')) socket.close(4401);
    }),
  );
  feed.start();
  await until(() => expect(got).toContainEqual({ type: 'auth', token: 'new' }));
  expect(asked.slice(0, 2)).toEqual([undefined, 'old']);
});

test('tells since when it is without a connection, and goes on trying', async () => {
  let isUp = false;
  const { feed, got } = await bench({
    token: async () => {
      if (!isUp) throw new Error('out of reach');
      return 'token-1';
    },
    now: () => 77,
  });
  feed.start();
  await until(() => expect(feed.state()).toEqual({ kind: 'reconnecting', since: 77 }));
  isUp = true;
  await until(() => expect(got).toHaveLength(2));
});

test('a silent connection under suspicion is replaced; a lively one is kept', async () => {
  let now = 0;
  const { feed, got, sockets } = await bench({ now: () => now });
  feed.start();
  await until(() => expect(got).toHaveLength(2));
  feed.suspect();
  expect(feed.state()).toEqual({ kind: 'live' });
  now = 60_000;
  feed.suspect();
  await until(() => expect(sockets).toHaveLength(2));
});

test('after stop the next start is a stranger: no cursor is sent', async () => {
  const { feed, got, sockets, messages } = await bench();
  feed.start();
  await until(() => expect(got).toHaveLength(2));
  sockets[0]?.send(JSON.stringify({ type: 'job', cursor: 'e1.5', data: {} }));
  await until(() => expect(messages).toHaveLength(1));
  feed.stop();
  feed.start();
  await until(() => expect(got).toHaveLength(4));
  expect(got[3]).toEqual(subscribe);
});

test('text that is no message and messages of any size do no harm', async () => {
  const { feed, got, sockets, messages, gaps } = await bench();
  feed.start();
  await until(() => expect(got).toHaveLength(2));
  sockets[0]?.send('garbage');
  sockets[0]?.send(Buffer.from([1, 2, 3]));
  sockets[0]?.send('x'.repeat(4_000_001));
  sockets[0]?.send(JSON.stringify({ type: 'job', cursor: 'e1.6', data: {} }));
  await until(() => expect(messages).toEqual([{ type: 'other', cursor: 'e1.6' }]));
  expect(gaps).toHaveBeenCalledTimes(2);
});
