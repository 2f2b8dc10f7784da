// Who is signed in: keeps the tokens, renews them in time, and says when there is nobody.
import type { Identity, TokenPair } from '@opmas/protocol';
import { limits } from '../limits.ts';
import { text } from '../text.ts';
import { ApiError, isRefusal } from './http.ts';

export type SessionState =
  | { phase: 'starting' }
  | { phase: 'unreachable' }
  | { phase: 'out' }
  | { phase: 'in'; identity: Identity };

export interface SessionPorts {
  refresh(refreshToken: string): Promise<TokenPair>;
  logout(accessToken: string, refreshToken: string): Promise<void>;
  identity(accessToken: string): Promise<Identity>;
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  now(): number;
}

interface Tokens {
  access: string;
  refresh: string;
  expiresAt: number;
}

// The access token lives in memory only. The refresh token is kept for the life of the tab, so that a reload
// stays signed in; the http-only cookie that will hold it needs the server's cookie form of sign-in.
const KEY = 'opmas.refresh';

export type Session = ReturnType<typeof createSession>;

export function createSession(ports: SessionPorts) {
  let state: SessionState = { phase: 'starting' };
  let tokens: Tokens | undefined;
  let renewing: Promise<Tokens> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Grows with every end, so that a renewal on its way cannot bring an ended session back. */
  let era = 0;
  const listeners = new Set<() => void>();

  function become(next: SessionState): void {
    state = next;
    for (const listener of listeners) listener();
  }

  function keep(pair: TokenPair): Tokens {
    tokens = {
      access: pair.access_token,
      refresh: pair.refresh_token,
      expiresAt: ports.now() + pair.expires_in * 1000,
    };
    ports.storage.setItem(KEY, pair.refresh_token);
    arm();
    return tokens;
  }

  function drop(): void {
    era += 1;
    clearTimeout(timer);
    tokens = undefined;
    renewing = undefined;
    ports.storage.removeItem(KEY);
    if (state.phase !== 'out') become({ phase: 'out' });
  }

  function renewAt({ expiresAt }: Tokens): number {
    const left = expiresAt - ports.now();
    return expiresAt - Math.min(limits.renewMarginMs, left / 2);
  }

  function arm(): void {
    clearTimeout(timer);
    if (!tokens) return;
    const wait = Math.min(
      Math.max(renewAt(tokens) - ports.now(), limits.restoreRetryMs),
      limits.timerMs,
    );
    timer = setTimeout(() => {
      // Out of reach: the token is asked for again with the next request, which reports the failure.
      renew().catch(arm);
    }, wait);
  }

  /** One renewal at a time: a refresh token used twice ends the session. */
  function renew(): Promise<Tokens> {
    const refresh = tokens?.refresh ?? ports.storage.getItem(KEY);
    if (!refresh) return Promise.reject(signedOut());
    renewing ??= renewWith(refresh);
    return renewing;
  }

  async function renewWith(refresh: string): Promise<Tokens> {
    const mine = era;
    try {
      const pair = await ports.refresh(refresh);
      if (mine !== era) throw signedOut();
      return keep(pair);
    } catch (error) {
      if (mine === era && isRefusal(error)) drop();
      throw error;
    } finally {
      if (mine === era) renewing = undefined;
    }
  }

  return {
    state: () => state,

    subscribe: (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /** Takes up the session of before the reload, if there was one. May be called again after `unreachable`. */
    restore: async (): Promise<void> => {
      if (!tokens && !ports.storage.getItem(KEY)) return become({ phase: 'out' });
      try {
        const isGood = tokens !== undefined && tokens.expiresAt > ports.now();
        const { access } = tokens && isGood ? tokens : await renew();
        become({ phase: 'in', identity: await ports.identity(access) });
      } catch (error) {
        if (isRefusal(error)) drop();
        else become({ phase: 'unreachable' });
      }
    },

    /** Starts a session with what sign-in or set-up answered. */
    begin: async (pair: TokenPair): Promise<void> => {
      const { access } = keep(pair);
      become({ phase: 'in', identity: await ports.identity(access) });
    },

    /**
     * An access token that is good now.
     * @param refused a token the server has just answered 401 to: it is not given again
     * @throws ApiError 401 when nobody is signed in
     */
    token: async (refused?: string): Promise<string> => {
      if (!tokens) throw signedOut();
      const isSpent = tokens.expiresAt - 1000 <= ports.now() || tokens.access === refused;
      return (isSpent ? await renew() : tokens).access;
    },

    /** The server does not know this session any more. */
    drop,

    /** Signs out here at once, and on the server if it can be reached. */
    end: async (): Promise<void> => {
      const last = tokens;
      drop();
      if (last) await ports.logout(last.access, last.refresh);
    },
  };
}

function signedOut(): ApiError {
  return new ApiError({
    status: 401,
    code: 'OPMAS_UNAUTHENTICATED',
    message: text.errors.signedOut,
  });
}
