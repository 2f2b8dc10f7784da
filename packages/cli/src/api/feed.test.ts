/** Following the feed: nothing twice, nothing lost over a lost connection, refusals told. */
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { EXIT } from '../exit-codes.ts';
import { agent, type Bench, bench } from '../testing/bench.ts';

let open: Bench;
let feed: WebSocketServer;
afterEach(async () => {
  for (const client of feed.clients) client.terminate();
  feed.close();
  await open.stop();
});

const finding = (id: string) => ({
  finding_id: id,
  agent_id: 'a-1',
  agent_name: 'A',
  type: 't',
  severity: 'warning',
  status: 'open',
  timestamp: '2026-01-01T00:00:00.000Z',
  recorded_at: '2026-01-01T00:00:00.000Z',
  topic: 'findings.x',
  description: `d ${id}`,
  details: {},
});

type Subscribe = { topics: string[]; cursor?: string };

async function serve(
  onSubscribe: (request: Subscribe, socket: WebSocketSide, nth: number) => void,
) {
  open = await bench(({ path }) => ({
    body: {
      items: path.endsWith('/findings') ? [finding('f2'), finding('f1')] : [agent('A', 'a-1')],
      next_cursor: null,
    },
  }));
  feed = new WebSocketServer({ server: open.server, path: '/api/v1/agents/ws' });
  let connections = 0;
  feed.on('connection', (socket) => {
    connections += 1;
    const nth = connections;
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString('utf8')) as {
        type: string;
        token?: string;
      } & Subscribe;
      if (message.type === 'auth') expect(message.token).toBe('tok');
      else {
        onSubscribe(
          message,
          {
            send: (value) => socket.send(JSON.stringify(value)),
            close: (code, reason) => socket.close(code, reason),
            kill: () => socket.terminate(),
          },
          nth,
        );
      }
    });
  });
  return open;
}

interface WebSocketSide {
  send(value: unknown): void;
  close(code: number, reason: string): void;
  kill(): void;
}

const env = { OPMAS_TOKEN: 'tok' };

test('a list that is followed shows the old first and each finding once', async () => {
  const { run } = await serve((_request, socket) => {
    socket.send({ type: 'snapshot', cursor: 'e.1', data: null });
    socket.send({ type: 'finding', cursor: 'e.2', data: finding('f2') });
    socket.send({ type: 'finding', cursor: 'e.3', data: finding('f3') });
  });
  const stop = new AbortController();
  const lines: string[] = [];
  const outcome = await run(['findings', 'ls', '--follow', '--json'], {
    env,
    interrupt: stop.signal,
    onPrint: (line) => {
      lines.push((JSON.parse(line) as { finding_id: string }).finding_id);
      if (lines.length === 3) stop.abort();
    },
  });
  expect(outcome.code).toBe(EXIT.interrupted);
  expect(lines).toEqual(['f1', 'f2', 'f3']);
});

test('a lost connection is resumed from the last cursor', async () => {
  const cursors: (string | undefined)[] = [];
  const { run } = await serve(({ cursor }, socket, nth) => {
    cursors.push(cursor);
    if (nth > 1) {
      socket.send({ type: 'finding', cursor: 'e.6', data: finding('f9') });
      return;
    }
    socket.send({ type: 'snapshot', cursor: 'e.1', data: null });
    socket.send({ type: 'finding', cursor: 'e.5', data: finding('f8') });
    setImmediate(() => socket.close(1001, 'the server stops'));
  });
  const outcome = await run(['events', 'tail', 'findings', '--count', '2', '--timeout', '20'], {
    env,
  });
  expect(outcome.code).toBe(EXIT.ok);
  expect(cursors).toEqual([undefined, 'e.5']);
  expect(outcome.out).toMatch(/d f8\n.*d f9/);
  expect(outcome.err).toContain('connection lost');
});

test.each([
  [4403, 'no permission for alerts', EXIT.forbidden],
  [4401, 'the access token has expired', EXIT.forbidden],
])('close code %i ends with its reason', async (code, reason, exit) => {
  const { run } = await serve((_request, socket) => socket.close(code, reason));
  const outcome = await run(['events', 'tail', 'alerts'], { env });
  expect(outcome.code).toBe(exit);
  expect(outcome.err).toContain(reason);
});

test('a server without a feed is not waited for', async () => {
  const { run } = await serve((_request, socket) => socket.kill());
  expect((await run(['events', 'tail'], { env })).code).toBe(EXIT.unreachable);
});

test('raw events are said not to be part of the feed', async () => {
  const { run } = await serve(() => {});
  const outcome = await run(['events', 'tail', 'logs.security'], { env });
  expect(outcome.code).toBe(EXIT.usage);
  expect(outcome.err).toContain('findings');
});
