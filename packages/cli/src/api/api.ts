/** One way to call the server: the token, one renewal, the time limit, and errors as exit codes. */
import { type Client, createClient, createConfig } from '@opmas/client';
import type { Io } from '../io.ts';
import { limits } from '../limits.ts';
import type { Target } from '../session/target.ts';
import { createTokens, type Tokens } from '../session/tokens.ts';
import { failureOf } from './failure.ts';

export interface Result<T> {
  data?: T | undefined;
  error?: unknown;
  response?: Response | undefined;
}

export interface Api {
  readonly target: Target;
  readonly tokens: Tokens;
  /** The answer of one function of `@opmas/client`. @throws {CliError} */
  call<T>(request: (client: Client) => Promise<Result<T>>): Promise<T>;
  /** Like `call`, for a body or headers the typed functions do not know. */
  fetch(
    path: string,
    init: RequestInit & { body?: string | Uint8Array<ArrayBuffer>; timeoutMs?: number },
  ): Promise<Response>;
}

export function createApi(io: Io, target: Target): Api {
  const bounded = (input: string | URL | Request, init?: RequestInit & { timeoutMs?: number }) =>
    fetch(input, { ...init, signal: AbortSignal.timeout(init?.timeoutMs ?? limits.requestMs) });
  const config = { baseUrl: target.url, fetch: bounded };
  const tokens = createTokens(io, target, createClient(createConfig(config)));

  async function withToken<T>(
    attempt: (token: string | undefined) => Promise<T>,
    isRefused: (value: T) => boolean,
  ): Promise<T> {
    const token = await tokens.current();
    const first = await attempt(token);
    if (token === undefined || !isRefused(first)) return first;
    const other = await tokens.other(token);
    return other === undefined ? first : attempt(other);
  }

  return {
    target,
    tokens,
    call: async (request) => {
      const result = await withToken(
        (token) => request(createClient(createConfig({ ...config, auth: token ?? '' }))),
        ({ response }) => response?.status === 401,
      );
      if (result.error !== undefined || result.response?.ok !== true) {
        throw failureOf(result, target.url);
      }
      // A function without an answer (204) is typed so by the caller.
      return result.data as Exclude<typeof result.data, undefined>;
    },
    fetch: (path, init) =>
      withToken(
        async (token) => {
          const headers = new Headers(init.headers);
          if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
          try {
            return await bounded(`${target.url}${path}`, { ...init, headers });
          } catch (error) {
            throw failureOf({ error }, target.url);
          }
        },
        ({ status }) => status === 401,
      ),
  };
}
