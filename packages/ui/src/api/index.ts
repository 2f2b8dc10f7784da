// The page's whole view of the server: one function per operation. The generated client takes its place later.
import type { Agent, AgentPackage, FindingRecord } from '@opmas/protocol';
import { limits } from '../limits.ts';
import { ApiError, download, type Request, send } from './http.ts';
import type { AccessToken, Me, Provider } from './resources.ts';
import type { Session, SessionPorts } from './session.ts';

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface FindingsQuery {
  agent_id?: string | undefined;
  severity?: string | undefined;
  q?: string | undefined;
  from?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

export interface Credentials {
  username: string;
  password: string;
  /** Six digits, or a recovery code. */
  totp?: string | undefined;
}

/** Operations that need no session. The refresh token comes and goes in a cookie that no script can read. */
export const openApi = {
  login: (body: Credentials) =>
    send<AccessToken>({ method: 'POST', path: '/auth/login', body: { ...body, cookie: true } }),
  providers: (signal?: AbortSignal) =>
    send<{ items: Provider[] }>({ path: '/auth/login/providers', signal }),
  setupNeeded: (signal?: AbortSignal) => send<{ needed: boolean }>({ path: '/setup', signal }),
  setup: (body: { code: string; username: string; password: string }) =>
    send<AccessToken>({ method: 'POST', path: '/setup', body: { ...body, cookie: true } }),
};

/** Where the browser goes to sign in with another site, to come back to `next`. */
export function providerAddress(id: string, next: string): string {
  const query = new URLSearchParams({ return_to: next });
  return `/api/v1/auth/login/oidc/${encodeURIComponent(id)}?${query}`;
}

/** What a session needs of the server. */
export const sessionApi: Pick<SessionPorts, 'refresh' | 'logout' | 'identity'> = {
  refresh: () => send<AccessToken>({ method: 'POST', path: '/auth/refresh', body: {} }),
  logout: (token) => send<void>({ method: 'POST', path: '/auth/logout', body: {}, token }),
  identity: (token) => send<Me>({ path: '/auth/me', token }),
};

export type Api = ReturnType<typeof createApi>;

/** Operations of a signed-in user. A refused token is renewed once; refused again, the session ends. */
export function createApi(session: Session) {
  async function asSomebody<T>(ask: (token: string) => Promise<T>): Promise<T> {
    const token = await session.token();
    try {
      return await ask(token);
    } catch (error) {
      if (!isUnauthenticated(error)) throw error;
    }
    const renewed = await session.token(token);
    try {
      return await ask(renewed);
    } catch (error) {
      if (isUnauthenticated(error)) session.drop();
      throw error;
    }
  }

  const call = <T>(request: Request): Promise<T> =>
    asSomebody((token) => send<T>({ ...request, token }));

  async function all<T>(path: string, limit: number, pages: number, signal?: AbortSignal) {
    const items: T[] = [];
    let cursor: string | null | undefined;
    for (let page = 0; page < pages && cursor !== null; page += 1) {
      const query = { limit, cursor: cursor ?? undefined };
      const answer: Page<T> = await call<Page<T>>({ path, query, signal });
      items.push(...answer.items);
      cursor = answer.next_cursor;
    }
    return items;
  }

  return {
    /** Any operation, for screens that are loaded when they are opened. */
    call,
    /** Any operation whose answer is a file. */
    file: (request: Request) => asSomebody((token) => download({ ...request, token })),
    /** Every page of a list, at most `pages`. */
    all,
    /** Every agent, at most `limits.agentsPages` pages. */
    agents: (signal?: AbortSignal) =>
      all<Agent>('/agents', limits.agentsPage, limits.agentsPages, signal),
    packages: (signal?: AbortSignal) =>
      all<AgentPackage>('/packages', limits.packagesPage, 1, signal),
    findings: (query: FindingsQuery, signal?: AbortSignal) =>
      call<Page<FindingRecord>>({
        path: '/findings',
        query: { limit: limits.findingsPage, ...query },
        signal,
      }),
    finding: (id: string, signal?: AbortSignal) =>
      call<FindingRecord>({ path: `/findings/${encodeURIComponent(id)}`, signal }),
  };
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}
