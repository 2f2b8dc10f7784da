/** A client of the WebSocket feed that keeps what it hears. */
import { FeedMessage } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { checked } from './api.ts';
import { limits } from './limits.ts';

export interface FeedClient {
  /** Everything heard so far. */
  heard: readonly FeedMessage[];
  /** Waits until such a message has come. */
  waitFor(condition: (message: FeedMessage) => boolean, what: string): Promise<FeedMessage>;
  close(): void;
}

/** Connects, signs in and subscribes; resolves with the first answer (the snapshot). */
export async function feedClient(options: {
  url: string;
  token: string;
  topics: readonly string[];
  path?: string;
}): Promise<FeedClient> {
  const { url, token, topics, path = '/api/v1/agents/ws' } = options;
  const heard: FeedMessage[] = [];
  let fault: string | undefined;
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`);
  socket.onopen = () => {
    socket.send(JSON.stringify({ type: 'auth', token }));
    socket.send(JSON.stringify({ type: 'subscribe', topics }));
  };
  socket.onmessage = ({ data }) => {
    heard.push(checked(FeedMessage, JSON.parse(String(data)), 'a message of the feed'));
  };
  socket.onclose = ({ code, reason }) => {
    fault = `the feed was closed: ${code} ${reason}`;
  };
  const client: FeedClient = {
    heard,
    waitFor: async (condition, what) => {
      const found = await waitFor(
        () => {
          const message = heard.find(condition);
          return message === undefined && fault !== undefined ? new Error(fault) : message;
        },
        { timeoutMs: limits.waitMs, what },
      );
      if (found instanceof Error) throw found;
      return found;
    },
    close: () => {
      socket.onclose = null;
      socket.close();
    },
  };
  await client.waitFor(() => true, 'the first answer of the feed');
  return client;
}
