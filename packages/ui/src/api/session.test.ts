// Sessions: one renewal at a time in all tabs, never revived, and not lost to a server that is only away.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError } from './http.ts';
import type { AccessToken, Me } from './resources.ts';
import { createSession, type SessionPorts } from './session.ts';
import { createTabs, readTabMessage } from './tabs.ts';

const me: Me = {
  kind: 'user',
  id: '1',
  username: 'admin',
  roles: ['admin'],
  totp_enabled: false,
  grants: [{ permission: '*' }],
  password: true,
};
const refused = new ApiError({ status: 401, code: 'OPMAS_TOKEN_INVALID', message: 'used' });
const away = new ApiError({ status: 0, code: 'OPMAS_API_UNREACHABLE', message: 'away' });

const answer = (n: number): AccessToken => ({ access_token: `a${n}`, expires_in: 600 });

/** One browser: its cookie, its storage, its locks and its channel, which all its tabs share. */
function browser(over: { identity?: SessionPorts['identity'] } = {}) {
  const storage = new Map<string, string>();
  const ends = new Set<EventTarget>();
  let cookie: number | undefined;
  let last = 0;
  let running = 0;
  let tail: Promise<unknown> = Promise.resolve();

  const server = {
    /** As the real one: a token that was used before ends the session. */
    refresh: vi.fn<() => Promise<AccessToken>>(async () => {
      running += 1;
      const sent = cookie;
      await new Promise((done) => setTimeout(done, 50));
      running -= 1;
      if (sent === undefined || sent !== cookie || running > 0) {
        cookie = undefined;
        throw refused;
      }
      cookie = last += 1;
      return answer(cookie);
    }),
    logout: vi.fn<SessionPorts['logout']>(async () => {
      // Sent beside a renewal it would name the old cookie, and the new one would stay.
      if (running > 0) throw new Error('signed out in the middle of a renewal');
      cookie = undefined;
    }),
    signIn: (): AccessToken => {
      cookie = last += 1;
      return answer(cookie);
    },
  };

  const locks = {
    request: async (_name: string, run: () => Promise<unknown>) => {
      const turn = tail.then(run, run);
      tail = turn.catch(() => {});
      return turn;
    },
  } as unknown as LockManager;

  function tab(ports: Partial<SessionPorts> = {}) {
    const end = new EventTarget();
    ends.add(end);
    const channel = {
      addEventListener: end.addEventListener.bind(end),
      postMessage: (data: unknown) => {
        const others = [...ends].filter((other) => other !== end);
        for (const other of others) {
          setTimeout(() => other.dispatchEvent(new MessageEvent('message', { data })), 1);
        }
      },
    } as unknown as BroadcastChannel;
    return createSession({
      refresh: server.refresh,
      logout: server.logout,
      identity: over.identity ?? (async () => me),
      tabs: createTabs({ locks, channel }),
      storage: {
        getItem: (key) => storage.get(key) ?? null,
        setItem: (key, value) => void storage.set(key, value),
        removeItem: (key) => void storage.delete(key),
      },
      now: () => Date.now(),
      random: () => 0,
      ...ports,
    });
  }
  return { server, storage, tab };
}

async function signedIn(world = browser()) {
  const session = world.tab();
  await session.begin(world.server.signIn());
  return { ...world, session };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Lets everything due within a second happen. */
const settle = () => vi.advanceTimersByTimeAsync(1_000);

describe('X7 the tokens of a session', () => {
  test('no token is kept anywhere but in memory', async () => {
    const { session, storage } = await signedIn();
    expect(session.state()).toEqual({ phase: 'in', identity: me });
    expect([...storage]).toEqual([['opmas.session', '1']]);
    await session.end();
    expect(storage.size).toBe(0);
  });

  test('what another version of the page says is not believed blindly', () => {
    const good = { type: 'token', access: 'a', expiresAt: 1 };
    expect(readTabMessage(good)).toEqual(good);
    for (const bad of [null, 'out', {}, { type: 'token' }, { ...good, access: 1 }]) {
      expect(readTabMessage(bad)).toBeUndefined();
    }
  });
});

test('a first visit asks for nothing; a reload stays signed in', async () => {
  const { server, tab } = await signedIn();
  const reloaded = tab();
  const restored = reloaded.restore();
  await settle();
  await restored;
  expect(reloaded.state()).toEqual({ phase: 'in', identity: me });
  expect(server.refresh).toHaveBeenCalledTimes(1);

  const fresh = browser();
  const first = fresh.tab();
  await first.restore();
  expect(first.state()).toEqual({ phase: 'out' });
  expect(fresh.server.refresh).not.toHaveBeenCalled();
});

test('a visitor who comes back from another site is looked for', async () => {
  const { server, tab, storage } = browser();
  tab().expect();
  expect(storage.size).toBe(1);
  server.signIn();
  const session = tab();
  const restored = session.restore();
  await settle();
  await restored;
  expect(session.state().phase).toBe('in');
});

test('a refused renewal signs out; a server that is away does not', async () => {
  const first = await signedIn();
  const gone = first.tab({ refresh: async () => Promise.reject(refused) });
  await gone.restore();
  expect(gone.state()).toEqual({ phase: 'out' });
  expect(first.storage.size).toBe(0);
  expect(first.session.state().phase).toBe('in');

  const second = await signedIn();
  const waiting = second.tab({ refresh: async () => Promise.reject(away) });
  await waiting.restore();
  expect(waiting.state()).toEqual({ phase: 'unreachable' });
  expect(second.storage.size).toBe(1);
});

test('many requests that find the token refused cause one renewal', async () => {
  const { session, server } = await signedIn();
  const asked = Promise.all([session.token('a1'), session.token('a1'), session.token('a1')]);
  await settle();
  expect(await asked).toEqual(['a2', 'a2', 'a2']);
  expect(server.refresh).toHaveBeenCalledTimes(1);
  expect(await session.token('a1')).toBe('a2');
  expect(server.refresh).toHaveBeenCalledTimes(1);
});

describe('X12 several tabs and one rotating cookie', () => {
  test('tabs that renew at the same moment take turns, and nobody is signed out', async () => {
    const world = await signedIn();
    const others = [world.tab(), world.tab()];
    const restored = Promise.all(others.map((other) => other.restore()));
    await settle();
    await restored;
    const all = [world.session, ...others];
    const asked = Promise.all(all.map((each) => each.token('a1')));
    const again = Promise.all(all.map(async (each) => each.token(await each.token())));
    await settle();
    const tokens = [...(await asked), ...(await again)];
    expect(all.map((each) => each.state().phase)).toEqual(['in', 'in', 'in']);
    for (const token of tokens) expect(token).toMatch(/^a\d$/);
  });

  test('what one tab renewed in time the others use', async () => {
    const world = await signedIn();
    const other = world.tab({ random: () => 1 });
    const restored = other.restore();
    await settle();
    await restored;
    expect(world.server.refresh).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(550_000);
    expect(world.server.refresh).toHaveBeenCalledTimes(2);
    expect(await other.token()).toBe('a3');
    expect(await world.session.token()).toBe('a3');
  });

  test('signing out in one tab signs out all', async () => {
    const world = await signedIn();
    const other = world.tab();
    const restored = other.restore();
    await settle();
    await restored;
    const ended = world.session.end();
    await settle();
    await ended;
    expect(other.state()).toEqual({ phase: 'out' });
    await expect(other.token()).rejects.toMatchObject({ status: 401 });
    expect(world.server.logout).toHaveBeenCalledTimes(1);
  });

  test('signing in as another person changes who all tabs are', async () => {
    let who = me;
    const world = await signedIn(browser({ identity: async () => who }));
    who = { ...me, id: '2', username: 'noc' };
    const other = world.tab();
    await other.begin(world.server.signIn());
    await settle();
    expect(world.session.state()).toEqual({ phase: 'in', identity: who });
    expect(await world.session.token()).toBe('a2');
  });
});

test('of two questions who this is only the answer to the last one counts', async () => {
  const noc = { ...me, id: '2', username: 'noc' };
  const first = Promise.withResolvers<Me>();
  const answers = [Promise.resolve(me), first.promise, Promise.resolve(noc)];
  const identity = vi.fn<SessionPorts['identity']>(() => answers.shift() ?? Promise.resolve(noc));
  const { session } = await signedIn(browser({ identity }));
  const slow = session.refreshIdentity();
  await session.refreshIdentity();
  expect(session.state()).toEqual({ phase: 'in', identity: noc });
  // The one that was asked before comes late.
  first.resolve(me);
  await slow;
  expect(identity).toHaveBeenCalledTimes(3);
  expect(session.state()).toEqual({ phase: 'in', identity: noc });
});

test('the token is renewed before it expires', async () => {
  const { session, server } = await signedIn();
  await vi.advanceTimersByTimeAsync(539_000);
  expect(server.refresh).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(server.refresh).toHaveBeenCalledTimes(1);
  expect(await session.token()).toBe('a2');
});

test('a renewal that was on its way at sign-out brings nobody back', async () => {
  const { session, server, storage } = await signedIn();
  const renewal = session.token('a1');
  const failed = expect(renewal).rejects.toMatchObject({ status: 401 });
  await vi.advanceTimersByTimeAsync(10);
  expect(server.refresh).toHaveBeenCalledTimes(1);
  const ended = expect(session.end()).resolves.toBeUndefined();
  await settle();
  await failed;
  await ended;
  // Signed out after the renewal, so that the cookie it brought is gone too.
  expect(server.logout).toHaveBeenCalledTimes(1);
  expect(session.state()).toEqual({ phase: 'out' });
  expect(storage.size).toBe(0);
  await expect(session.token()).rejects.toMatchObject({ status: 401 });
});
