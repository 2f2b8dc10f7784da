// The page's whole view of the server: one function per operation. The generated client takes its place later.
import type { Agent, AgentPackage, FindingRecord, Identity, TokenPair } from '@opmas/protocol';
import { limits } from '../limits.ts';
import { ApiError, type Request, send } from './http.ts';
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

/** Operations that need no session. */
export const openApi = {
  login: (body: { username: string; password: string }) =>
    send<TokenPair>({ method: 'POST', path: '/auth/login', body }),
  setupNeeded: (signal?: AbortSignal) => send<{ needed: boolean }>({ path: '/setup', signal }),
  setup: (body: { code: string; username: string; password: string }) =>
    send<TokenPair>({ method: 'POST', path: '/setup', body }),
};

/** What a session needs of the server. */
export const sessionApi: Pick<SessionPorts, 'refresh' | 'logout' | 'identity'> = {
  refresh: (refresh_token) =>
    send<TokenPair>({ method: 'POST', path: '/auth/refresh', body: { refresh_token } }),
  logout: (token, refresh_token) =>
    send<void>({ method: 'POST', path: '/auth/logout', body: { refresh_token }, token }),
  identity: (token) => send<Identity>({ path: '/auth/me', token }),
};

export type Api = ReturnType<typeof createApi>;

/** Operations of a signed-in user. A refused token is renewed once; refused again, the session ends. */
export function createApi(session: Session) {
  async function call<T>(request: Request): Promise<T> {
    const token = await session.token();
    try {
      return await send<T>({ ...request, token });
    } catch (error) {
      if (!isUnauthenticated(error)) throw error;
    }
    const renewed = await session.token(token);
    try {
      return await send<T>({ ...request, token: renewed });
    } catch (error) {
      if (isUnauthenticated(error)) session.drop();
      throw error;
    }
  }

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
