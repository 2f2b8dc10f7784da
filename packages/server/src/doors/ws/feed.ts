/** The WebSocket feed: stored changes with a cursor, samples without; every client bounded. */

import type { WebSocket } from '@fastify/websocket';
import {
  FeedAuth,
  type FeedMessage,
  FeedSubscribe,
  parse,
  type FeedSubscribe as Subscription,
} from '@opmas/protocol';
import type { AuthService, Claims } from '../../features/auth/index.ts';
import { asOpmasError } from '../../invoke.ts';
import { messageOf } from '../../kernel/errors.ts';
import { type AgentFacts, type Reach, reaches, reachOf } from '../../kernel/grants.ts';
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
  /** Of the protocol (RFC 6455's registry): try again later. */
  away: 1013,
} as const;

/** A reason takes 123 bytes. */
const REASON_CHARS = 120;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What a topic needs. */
const PERMISSIONS: Readonly<Record<string, string>> = {
  agents: 'agents:read',
  findings: 'findings:read',
  alerts: 'alerts:read',
  jobs: 'jobs:read',
  logs: 'agents:read',
};

function permissionOf(topic: string): string | undefined {
  const kind = topic.split(':')[0] ?? '';
  return Object.hasOwn(PERMISSIONS, kind) ? PERMISSIONS[kind] : undefined;
}

/** The agents a message is about: one, or all of a job's. */
function agentsOf(data: unknown): readonly string[] {
  if (typeof data !== 'object' || data === null) return [];
  const id: unknown = Reflect.get(data, 'agent_id');
  if (typeof id === 'string') return [id];
  const ids: unknown = Reflect.get(data, 'agent_ids');
  return Array.isArray(ids) && ids.every((each) => typeof each === 'string') ? ids : [];
}

interface Client {
  socket: WebSocket;
  claims: Claims;
  topics: ReadonlySet<string>;
  expiry: NodeJS.Timeout;
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
  /** Closes clients whose session, agent or permission has ended since they came. */
  dropRevoked(): void;
  close(): void;
}

export function createFeed(options: {
  auth: AuthService;
  /** What roles grant now: it may have changed since a client came. */
  grantsOf: (caller: Claims['caller']) => Claims['caller']['grants'];
  /** From memory; undefined for an agent nobody has told of yet. */
  factsOf: (agentId: string) => AgentFacts | undefined;
  logger: Logger;
}): Feed {
  const { auth, grantsOf, factsOf, logger } = options;
  const log = new FeedLog(limits.feedResumeMessages);
  /** Everybody who has said who they are, subscribed or not yet. */
  const clients = new Set<Client>();
  const connectionsOf = new Map<string, number>();
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
      if (!client.topics.has(topic) || !maySee(client, topic, message.data)) continue;
      text ??= JSON.stringify(message);
      send(client, text);
    }
  }

  /** A topic is open to who may see any agent of it; each message then only to who may see its agent. */
  function reachFor(client: Client, topic: string): Reach | undefined {
    const permission = permissionOf(topic);
    if (permission === undefined) return undefined;
    return reachOf(grantsOf(client.claims.caller), permission);
  }

  function maySee(client: Client, topic: string, data: unknown): boolean {
    const reach = reachFor(client, topic);
    if (reach === undefined || reach === 'all') return reach === 'all';
    const agentIds = agentsOf(data);
    return (
      agentIds.length > 0 &&
      agentIds.every((id) => {
        const facts = factsOf(id);
        return facts !== undefined && reaches(reach, facts);
      })
    );
  }

  /** May the client hear of this topic at all? A log topic names its agent. */
  function maySubscribe(client: Client, topic: string): boolean {
    const reach = reachFor(client, topic);
    if (reach === undefined || !topic.startsWith('logs:')) return reach !== undefined;
    return maySee(client, topic, { agent_id: topic.slice('logs:'.length) });
  }

  function subscribe(client: Client, request: Subscription): void {
    const refused = request.topics.find((topic) => !maySubscribe(client, topic));
    if (refused !== undefined) {
      client.socket.close(CLOSE.forbidden, `no permission for ${refused}`);
      return;
    }
    const topics = new Set(request.topics);
    const missed = request.cursor === undefined ? undefined : log.since(request.cursor);
    client.topics = topics;
    if (missed === undefined) {
      // Nothing to resume from: the client reads the lists once and follows from this cursor.
      const snapshot: FeedMessage = { type: 'snapshot', cursor: log.cursor(), data: null };
      send(client, JSON.stringify(snapshot));
      return;
    }
    for (const entry of missed) {
      if (!topics.has(entry.topic) || !maySee(client, entry.topic, entry.message.data)) continue;
      send(client, JSON.stringify(entry.message));
    }
  }

  async function authenticate(socket: WebSocket, token: string): Promise<Client | undefined> {
    try {
      const claims = await auth.authenticate(token);
      if (socket.readyState !== socket.OPEN || !countOne(claims.caller, socket)) return undefined;
      // A timer reaches no further than 24 days; an API token may live longer, a socket need not.
      const left = Math.min(claims.expiresAt - Date.now(), LONGEST_TIMER_MS);
      const expiry = setTimeout(
        () => socket.close(CLOSE.unauthenticated, 'the access token has expired'),
        left,
      );
      expiry.unref();
      const client: Client = { socket, claims, topics: new Set(), expiry };
      clients.add(client);
      return client;
    } catch (thrown) {
      const error = asOpmasError(thrown);
      if (error.status === 401) {
        socket.close(CLOSE.unauthenticated, error.message.slice(0, REASON_CHARS));
        return undefined;
      }
      logger.warn({ code: error.code, err: messageOf(thrown) }, 'a feed token could not be judged');
      socket.close(CLOSE.away, error.message.slice(0, REASON_CHARS));
      return undefined;
    }
  }

  /** One caller's connections are bounded, so that it cannot take those of everybody else. */
  function countOne({ kind, id }: Claims['caller'], socket: WebSocket): boolean {
    const key = `${kind} ${id}`;
    const open = connectionsOf.get(key) ?? 0;
    if (open >= limits.feedClientsOfOne) {
      socket.close(CLOSE.full, 'too many connections of one caller');
      return false;
    }
    connectionsOf.set(key, open + 1);
    socket.once('close', () => {
      const left = (connectionsOf.get(key) ?? 1) - 1;
      if (left > 0) connectionsOf.set(key, left);
      else connectionsOf.delete(key);
    });
    return true;
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
    let heard = 0;
    let minute = performance.now();
    socket.on('message', (data: Buffer) => {
      const now = performance.now();
      if (now - minute > 60_000) {
        heard = 0;
        minute = now;
      }
      heard += 1;
      if (heard > limits.feedMessagesAMinute) {
        socket.close(CLOSE.full, 'too many messages');
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
        const refused = [...client.topics].find((topic) => !maySubscribe(client, topic));
        if (refused !== undefined) {
          client.socket.close(CLOSE.forbidden, `no permission for ${refused} any more`);
          clients.delete(client);
          continue;
        }
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
