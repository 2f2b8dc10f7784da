// Who is signed in: keeps the access token in memory, renews it in time, and says when there is nobody.
//
// The refresh token is in a cookie that no script can read. It changes with every use and a copy used twice
// ends the session, so only one tab of this browser renews at a time, and the others hear of the result.
import { limits } from '../limits.ts';
import { text } from '../text.ts';
import { ApiError, isRefusal } from './http.ts';
import type { AccessToken, Me } from './resources.ts';
import type { Tabs } from './tabs.ts';

export type SessionState =
  | { phase: 'starting' }
  | { phase: 'unreachable' }
  | { phase: 'out' }
  | { phase: 'in'; identity: Me };

export interface SessionPorts {
  /** Uses and replaces the cookie. */
  refresh(): Promise<AccessToken>;
  logout(accessToken: string): Promise<void>;
  identity(accessToken: string): Promise<Me>;
  tabs: Tabs;
  /** Remembers only that somebody was signed in: without it no refresh is tried at the first visit. */
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  now(): number;
  random(): number;
}

interface Held {
  access: string;
  /** ms */
  expiresAt: number;
}

const HINT = 'opmas.session';

export type Session = ReturnType<typeof createSession>;

export function createSession(ports: SessionPorts) {
  let state: SessionState = { phase: 'starting' };
  let held: Held | undefined;
  let renewing: Promise<Held> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Grows with every end, so that a renewal on its way cannot bring an ended session back. */
  let era = 0;
  /** Grows with every question who this is: only the answer to the last one counts. */
  let asked = 0;
  const listeners = new Set<() => void>();

  function become(next: SessionState): void {
    state = next;
    for (const listener of listeners) listener();
  }

  function hold(next: Held): Held {
    held = next;
    ports.storage.setItem(HINT, '1');
    arm();
    return next;
  }

  function keep(answer: AccessToken): Held {
    const expiresAt = ports.now() + answer.expires_in * 1000;
    const next = hold({ access: answer.access_token, expiresAt });
    ports.tabs.tell({ type: 'token', ...next });
    return next;
  }

  /** Ends the session in this tab only. */
  function forget(): void {
    era += 1;
    clearTimeout(timer);
    held = undefined;
    renewing = undefined;
    ports.storage.removeItem(HINT);
    if (state.phase !== 'out') become({ phase: 'out' });
  }

  function drop(): void {
    forget();
    ports.tabs.tell({ type: 'out' });
  }

  /** Spread out, so that of several tabs one renews and the others hear of it. */
  function renewAt({ expiresAt }: Held): number {
    const left = expiresAt - ports.now();
    const margin = limits.renewMarginMs + ports.random() * limits.renewSpreadMs;
    return expiresAt - Math.min(margin, left / 2);
  }

  function arm(): void {
    clearTimeout(timer);
    if (!held) return;
    const wait = Math.max(renewAt(held) - ports.now(), limits.restoreRetryMs);
    timer = setTimeout(
      () => {
        // Out of reach: the token is asked for again with the next request, which reports the failure.
        renew().catch(arm);
      },
      Math.min(wait, limits.timerMs),
    );
  }

  /** One renewal at a time, in all tabs together. */
  function renew(): Promise<Held> {
    renewing ??= renewAlone();
    return renewing;
  }

  async function renewAlone(): Promise<Held> {
    const mine = era;
    const before = held;
    try {
      return await ports.tabs.alone(async () => {
        if (mine !== era) throw signedOut();
        // Another tab renewed while this one waited for its turn.
        if (held && held !== before && isGood(held)) return held;
        const answer = await ports.refresh();
        if (mine !== era) throw signedOut();
        return keep(answer);
      });
    } catch (error) {
      // A session that lived is dead for every tab; one that was only hoped for never was.
      if (mine === era && isRefusal(error)) {
        if (state.phase === 'in') drop();
        else forget();
      }
      throw error;
    } finally {
      if (mine === era) renewing = undefined;
    }
  }

  function isGood({ expiresAt }: Held): boolean {
    return expiresAt - 1000 > ports.now();
  }

  async function enter(next: Held): Promise<void> {
    const mine = era;
    asked += 1;
    const turn = asked;
    const identity = await ports.identity(next.access);
    if (mine === era && turn === asked) become({ phase: 'in', identity });
  }

  ports.tabs.hear((message) => {
    if (message.type === 'out') return forget();
    // Perhaps somebody signed in elsewhere, perhaps as another person: ask.
    enter(hold({ access: message.access, expiresAt: message.expiresAt })).catch(
      (error: unknown) => {
        if (isRefusal(error)) forget();
        else if (state.phase !== 'in') become({ phase: 'unreachable' });
      },
    );
  });

  return {
    state: () => state,

    subscribe: (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /** Takes up the session of before the reload, if there was one. May be called again after `unreachable`. */
    restore: async (): Promise<void> => {
      if (!held && !ports.storage.getItem(HINT)) return become({ phase: 'out' });
      try {
        await enter(held && isGood(held) ? held : await renew());
      } catch (error) {
        if (isRefusal(error)) forget();
        else become({ phase: 'unreachable' });
      }
    },

    /** Starts a session with what sign-in or set-up answered. */
    begin: async (answer: AccessToken): Promise<void> => {
      await enter(keep(answer));
    },

    /** This browser goes to another site to sign in and comes back with the cookie: look for it then. */
    expect: (): void => ports.storage.setItem(HINT, '1'),

    /** Who this is may have changed: a second factor, a role. */
    refreshIdentity: async (): Promise<void> => {
      if (held) await enter(isGood(held) ? held : await renew());
    },

    /**
     * An access token that is good now.
     * @param refused a token the server has just answered 401 to: it is not given again
     * @throws ApiError 401 when nobody is signed in
     */
    token: async (refused?: string): Promise<string> => {
      if (!held) throw signedOut();
      return (isGood(held) && held.access !== refused ? held : await renew()).access;
    },

    /** The server does not know this session any more. */
    drop,

    /** Signs out in every tab at once, and on the server if it can be reached. */
    end: async (): Promise<void> => {
      const last = held;
      drop();
      // In turn with renewals: one that was on its way must not leave a cookie behind.
      if (last) await ports.tabs.alone(() => ports.logout(last.access));
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
