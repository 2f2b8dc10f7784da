/** Follows the live feed: signs in, subscribes, comes back with its cursor, until told to end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FeedMessage } from '@opmas/protocol';
import { CliError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Api } from './api.ts';

export interface FollowOptions {
  api: Api;
  topics: readonly string[];
  signal: AbortSignal;
  onMessage(message: FeedMessage): void;
  /**
   * A subscription is in force: what happens from now on is told. Called again after a loss that could not
   * be resumed; what happened before is read from the lists.
   */
  onReady?(): void;
  /** The connection was lost, or messages were missed while it was. */
  onNote?(text: string): void;
}

/** How one connection ended. */
interface End {
  code: number;
  reason: string;
  /** Did it ever hear from the server? */
  heard: boolean;
}

/** Close codes of the server that another try does not change. */
const CLOSE = { invalid: 4400, unauthenticated: 4401, forbidden: 4403 } as const;

/** Resolves when `signal` is aborted. @throws {CliError} when the server refuses, or was never there */
export async function follow(options: FollowOptions): Promise<void> {
  const { api, signal } = options;
  let token = await api.tokens.current();
  let cursor: string | undefined;
  let everHeard = false;
  let wait: number = limits.feedRetryMs;
  while (!signal.aborted) {
    if (token === undefined) throw notSignedIn('The live feed needs a sign-in');
    const end = await connection({ ...options, token, cursor }, (seen) => {
      cursor = seen;
    });
    if (signal.aborted) return;
    if (end.heard) wait = limits.feedRetryMs;
    everHeard ||= end.heard;
    if (end.code === CLOSE.forbidden || end.code === CLOSE.invalid) throw refused(end);
    if (end.code === CLOSE.unauthenticated) {
      token = await api.tokens.other(token);
      if (token === undefined) throw notSignedIn(end.reason);
      continue;
    }
    if (!everHeard) {
      throw new CliError(EXIT.unreachable, `The live feed of ${api.target.url} does not answer`, {
        fix: 'See `opmas status`.',
      });
    }
    options.onNote?.(`connection lost${end.reason === '' ? '' : ` (${end.reason})`}; trying again`);
    await delay(wait, undefined, { signal }).catch(() => {}); // aborted: the loop ends
    wait = Math.min(wait * 2, limits.feedRetryCapMs);
    token = (await api.tokens.current()) ?? token;
  }
}

function connection(
  options: FollowOptions & { token: string; cursor: string | undefined },
  onCursor: (cursor: string) => void,
): Promise<End> {
  const { api, topics, signal, token, cursor } = options;
  const socket = new WebSocket(`${api.target.url.replace(/^http/, 'ws')}/api/v1/agents/ws`);
  return new Promise((resolve) => {
    let heard = false;
    const close = () => socket.close();
    const patience = setTimeout(close, limits.feedOpenMs);
    signal.addEventListener('abort', close, { once: true });
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ type: 'auth', token }));
      socket.send(JSON.stringify({ type: 'subscribe', topics, ...(cursor && { cursor }) }));
      // A resumed feed with nothing missed stays silent: being open is all there is to know.
      if (cursor !== undefined) clearTimeout(patience);
    });
    socket.addEventListener('message', (event) => {
      clearTimeout(patience);
      const message = messageIn(event.data);
      if (message === undefined) return;
      heard = true;
      if (message.cursor !== null) onCursor(message.cursor);
      if (message.type !== 'snapshot') options.onMessage(message);
      else options.onReady?.();
    });
    socket.addEventListener('error', () => {}); // followed by close
    socket.addEventListener('close', ({ code, reason }) => {
      clearTimeout(patience);
      signal.removeEventListener('abort', close);
      resolve({ code, reason, heard });
    });
  });
}

function messageIn(data: unknown): FeedMessage | undefined {
  if (typeof data !== 'string') return undefined;
  const value: unknown = JSON.parse(data);
  if (typeof value !== 'object' || value === null) return undefined;
  return 'type' in value && 'cursor' in value && 'data' in value
    ? (value as FeedMessage)
    : undefined;
}

function refused({ code, reason }: End): CliError {
  return new CliError(code === CLOSE.forbidden ? EXIT.forbidden : EXIT.failed, reason || 'refused');
}

function notSignedIn(reason: string): CliError {
  return new CliError(EXIT.forbidden, reason || 'Not signed in', {
    fix: 'Sign in with `opmas login`.',
  });
}
