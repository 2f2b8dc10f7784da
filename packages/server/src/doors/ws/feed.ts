/** The WebSocket feed: stored changes with a cursor, samples without; every client bounded. */

import type { WebSocket } from '@fastify/websocket';
import {
  FeedAuth,
  type FeedMessage,
  FeedSubscribe,
  parse,
  type FeedSubscribe as Subscription,
} from '@opmas/protocol';
import { type AuthService, type Claims, mayDo } from '../../features/auth/index.ts';
import { messageOf } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import { FeedLog } from './feed-log.ts';

/** Close codes of our own (4000–4999), with a reason a person can read. */
const CLOSE = {
  unauthenticated: 4401,
  invalid: 4400,
  forbidden: 4403,
  tooSlow: 4408,
  full: 4429,
} as const;

/** What a topic needs. */
const PERMISSIONS: Readonly<Record<string, string>> = {
  agents: 'agents:read',
  findings: 'findings:read',
  alerts: 'alerts:read',
  jobs: 'jobs:read',
  logs: 'agents:read',
};

interface Client {
  socket: WebSocket;
  claims: Claims;
  topics: ReadonlySet<string>;
  expiry: NodeJS.Timeout | undefined;
}

export interface Feed {
  /** Takes over a new connection. */
  accept(socket: WebSocket): void;
  /** A stored change: kept for clients that come back, sent to those subscribed. */
  stored(entry: {
    sequence: number;
    topic: string;
    type: FeedMessage['type'];
    data: unknown;
  }): void;
  /** A sample: sent once, never again. */
  sample(topic: string, type: FeedMessage['type'], data: unknown): void;
  start(epoch: string, lastSequence: number): void;
  /** Topics somebody listens to; what nobody hears need not be made. */
  hasListeners(topic: string): boolean;
  clients(): number;
  /** Closes clients whose session or agent has ended since they came. */
  dropRevoked(): void;
  close(): void;
}

export function createFeed(options: { auth: AuthService; logger: Logger }): Feed {
  const { auth, logger } = options;
  const log = new FeedLog(limits.feedResumeMessages);
  const clients = new Set<Client>();
  let connections = 0;

  function send(client: Client, text: string): void {
    if (client.socket.readyState !== client.socket.OPEN) return;
    if (client.socket.bufferedAmount > limits.feedBufferBytes) {
      client.socket.close(CLOSE.tooSlow, 'too slow: reconnect with your cursor');
      clients.delete(client);
      return;
    }
    client.socket.send(text);
  }

  function broadcast(topic: string, message: FeedMessage): void {
    let text: string | undefined;
    for (const client of clients) {
      if (!client.topics.has(topic)) continue;
      text ??= JSON.stringify(message);
      send(client, text);
    }
  }

  function subscribe(client: Client, request: Subscription): void {
    for (const topic of request.topics) {
      const permission = PERMISSIONS[topic.split(':')[0] ?? ''];
      if (permission === undefined || !mayDo(client.claims.caller, permission)) {
        client.socket.close(CLOSE.forbidden, `no permission for ${topic}`);
        return;
      }
    }
    const topics = new Set(request.topics);
    const missed = request.cursor === undefined ? undefined : log.since(request.cursor);
    client.topics = topics;
    clients.add(client);
    if (missed === undefined) {
      // Nothing to resume from: the client reads the lists once and follows from this cursor.
      const snapshot: FeedMessage = { type: 'snapshot', cursor: log.cursor(), data: null };
      send(client, JSON.stringify(snapshot));
      return;
    }
    for (const entry of missed) {
      if (topics.has(entry.topic)) send(client, JSON.stringify(entry.message));
    }
  }

  async function authenticate(socket: WebSocket, token: string): Promise<Client | undefined> {
    try {
      const claims = await auth.authenticate(token);
      const left = claims.expiresAt - Date.now();
      const expiry = Number.isFinite(left)
        ? setTimeout(
            () => socket.close(CLOSE.unauthenticated, 'the access token has expired'),
            left,
          )
        : undefined;
      expiry?.unref();
      return { socket, claims, topics: new Set(), expiry };
    } catch (error) {
      socket.close(CLOSE.unauthenticated, messageOf(error).slice(0, 120));
      return undefined;
    }
  }

  function accept(socket: WebSocket): void {
    if (connections >= limits.feedClients) {
      socket.close(CLOSE.full, 'too many connections');
      return;
    }
    connections += 1;
    let client: Client | undefined;
    let busy = false;
    const patience = setTimeout(
      () => socket.close(CLOSE.unauthenticated, 'send {"type":"auth","token":"…"} first'),
      limits.feedAuthTimeoutMs,
    );
    const onMessage = async (text: string): Promise<void> => {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        socket.close(CLOSE.invalid, 'not JSON');
        return;
      }
      if (client === undefined) {
        const given = parse(FeedAuth, value);
        if (!given.ok || busy) {
          socket.close(CLOSE.unauthenticated, 'send {"type":"auth","token":"…"} first');
          return;
        }
        busy = true;
        clearTimeout(patience);
        client = await authenticate(socket, given.value.token);
        return;
      }
      const request = parse(FeedSubscribe, value);
      if (request.ok) subscribe(client, request.value);
      else socket.close(CLOSE.invalid, 'send {"type":"subscribe","topics":[…]}');
    };
    /** Messages of one client are handled in the order they came: auth before subscribe. */
    let turn: Promise<void> = Promise.resolve();
    socket.on('message', (data: Buffer) => {
      if (data.length > 16_384) {
        socket.close(CLOSE.invalid, 'message too large');
        return;
      }
      const text = data.toString('utf8');
      turn = turn
        .then(() => onMessage(text))
        .catch((error: unknown) => {
          logger.warn({ err: messageOf(error) }, 'feed message failed');
          socket.close(1011, 'internal error');
        });
    });
    socket.on('error', (error: Error) => logger.debug({ err: error.message }, 'feed socket'));
    socket.on('close', () => {
      connections -= 1;
      clearTimeout(patience);
      if (client !== undefined) {
        clearTimeout(client.expiry);
        clients.delete(client);
      }
    });
  }

  return {
    accept,
    start: (epoch, lastSequence) => log.start(epoch, lastSequence),
    stored: ({ sequence, topic, type, data }) => {
      const message: FeedMessage = { type, cursor: log.cursorOf(sequence), data };
      if (log.add({ sequence, topic, message })) broadcast(topic, message);
    },
    sample: (topic, type, data) => broadcast(topic, { type, cursor: null, data }),
    hasListeners: (topic) => [...clients].some((client) => client.topics.has(topic)),
    clients: () => connections,
    dropRevoked: () => {
      for (const client of clients) {
        if (!auth.isRevoked(client.claims)) continue;
        client.socket.close(CLOSE.unauthenticated, 'the session has ended');
        clients.delete(client);
      }
    },
    close: () => {
      for (const { socket } of clients) socket.close(1001, 'the server stops');
    },
  };
}
