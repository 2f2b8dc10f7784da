/** A client of the live feed that remembers what it heard; for tests. */
import type { FeedMessage } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { LONG } from './fleet.ts';

export interface FeedClient {
  heard: FeedMessage[];
  /** Set when the server closed the connection. */
  closed(): { code: number; reason: string } | undefined;
  send(message: unknown): void;
  /** The first message that fits. */
  waitFor(fits: (message: FeedMessage) => boolean): Promise<FeedMessage>;
  waitForClose(): Promise<{ code: number; reason: string }>;
  close(): void;
}

/** Connects; with a token it also signs in and subscribes. */
export async function feedClient(
  url: string,
  options: { token?: string; topics?: readonly string[]; cursor?: string; path?: string } = {},
): Promise<FeedClient> {
  const { path = '/api/v1/agents/ws', token, topics, cursor } = options;
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`);
  const heard: FeedMessage[] = [];
  let closed: { code: number; reason: string } | undefined;
  socket.addEventListener('message', ({ data }) => {
    heard.push(JSON.parse(String(data)) as FeedMessage);
  });
  socket.addEventListener('close', ({ code, reason }) => {
    closed = { code, reason };
  });
  await waitFor(() => socket.readyState !== WebSocket.CONNECTING, LONG);
  const send = (message: unknown) =>
    socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  if (token !== undefined) send({ type: 'auth', token });
  if (topics !== undefined) {
    send({ type: 'subscribe', topics, ...(cursor === undefined ? {} : { cursor }) });
  }
  return {
    heard,
    closed: () => closed,
    send,
    waitFor: (fits) => waitFor(() => heard.find(fits), LONG),
    waitForClose: () => waitFor(() => closed, LONG),
    close: () => socket.close(),
  };
}
