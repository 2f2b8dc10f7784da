// The live feed: one WebSocket that signs in, subscribes, and comes back by itself with its cursor.
import type { FeedSubscribe } from '@opmas/protocol';
import { limits } from '../limits.ts';
import { type LiveMessage, readMessage } from './messages.ts';

export type FeedState =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** `since`: when the last connection ended, or the first try began (ms). */
  | { kind: 'reconnecting'; since: number };

export interface FeedPorts {
  url: string;
  open(url: string): WebSocket;
  /** What to hear of; the server refuses who asks for more than may be heard. */
  topics(): readonly string[];
  /** An access token; `renewed` asks for another than the one that was refused. */
  token(refused?: string): Promise<string>;
  /** Called in order, once for each message. */
  onMessage(message: LiveMessage): void;
  /** What was missed cannot be replayed: fetch everything again. */
  onGap(): void;
  now(): number;
  random(): number;
  waitFor(failures: number, random: number): number;
}

export type Feed = ReturnType<typeof createFeed>;

export function createFeed(ports: FeedPorts) {
  let state: FeedState = { kind: 'connecting' };
  let socket: WebSocket | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let settle: ReturnType<typeof setTimeout> | undefined;
  let cursor: string | undefined;
  let failures = 0;
  let usedToken: string | undefined;
  let wasRefused = false;
  let isStopped = true;
  /** Counts tries, so that an answer to an overtaken one is dropped. */
  let attempt = 0;
  let lastHeard = ports.now();
  const listeners = new Set<() => void>();

  function become(next: FeedState): void {
    state = next;
    for (const listener of listeners) listener();
  }

  async function connect(): Promise<void> {
    attempt += 1;
    const mine = attempt;
    let token: string;
    try {
      token = await ports.token(wasRefused ? usedToken : undefined);
    } catch {
      // Signed out, or out of reach: the session says which, and stops this feed in the first case.
      if (mine === attempt) retryLater();
      return;
    }
    if (isStopped || mine !== attempt) return;
    usedToken = token;
    wasRefused = false;
    const opened = ports.open(ports.url);
    let heard = false;
    socket = opened;
    opened.addEventListener('open', () => {
      if (socket === opened) subscribe(opened, token);
    });
    opened.addEventListener('message', (event) => {
      if (socket !== opened) return;
      heard = true;
      receive(event.data);
    });
    opened.addEventListener('close', () => {
      if (socket !== opened) return;
      // Closed before a word: the likeliest cause is a token the server no longer takes.
      wasRefused = !heard && state.kind === 'live';
      lost();
    });
  }

  function subscribe(opened: WebSocket, token: string): void {
    opened.send(JSON.stringify({ type: 'auth', token }));
    const message: FeedSubscribe = {
      type: 'subscribe',
      topics: [...ports.topics()],
      ...(cursor ? { cursor } : {}),
    };
    opened.send(JSON.stringify(message));
    lastHeard = ports.now();
    become({ kind: 'live' });
    // Without a cursor nothing is replayed: what changed between the first fetch and now would be missed.
    if (!cursor) ports.onGap();
    settle = setTimeout(() => {
      failures = 0;
    }, limits.reconnectResetMs);
  }

  function receive(data: unknown): void {
    lastHeard = ports.now();
    if (typeof data === 'string' && data.length > limits.feedMessageChars) return ports.onGap();
    const message = readMessage(data);
    if (!message) return;
    failures = 0;
    if (message.cursor) cursor = message.cursor;
    if (message.type === 'snapshot') ports.onGap();
    ports.onMessage(message);
  }

  function lost(): void {
    clearTimeout(settle);
    socket = undefined;
    if (state.kind !== 'reconnecting') become({ kind: 'reconnecting', since: ports.now() });
    retryLater();
  }

  function retryLater(): void {
    if (isStopped) return;
    if (state.kind === 'connecting') become({ kind: 'reconnecting', since: ports.now() });
    clearTimeout(retry);
    const wait = ports.waitFor(failures, ports.random());
    failures += 1;
    retry = setTimeout(() => void connect(), wait);
  }

  return {
    state: () => state,

    subscribe: (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    start: (): void => {
      if (!isStopped) return;
      isStopped = false;
      void connect();
    },

    /** Closes and forgets its place: the next start may be someone else's. */
    stop: (): void => {
      isStopped = true;
      attempt += 1;
      cursor = undefined;
      failures = 0;
      wasRefused = false;
      clearTimeout(retry);
      clearTimeout(settle);
      const last = socket;
      socket = undefined;
      last?.close();
      become({ kind: 'connecting' });
    },

    /** A request found the server out of reach: a silent connection is given up instead of trusted. */
    suspect: (): void => {
      if (!socket || state.kind !== 'live' || ports.now() - lastHeard < limits.staleAfterMs) return;
      const silent = socket;
      lost();
      silent.close();
    },

    /** Tries at once, as when the network is back. */
    retryNow: (): void => {
      if (isStopped || socket || state.kind !== 'reconnecting') return;
      clearTimeout(retry);
      void connect();
    },
  };
}
