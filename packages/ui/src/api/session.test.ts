// Sessions: renewed once at a time, never revived, and not lost to a server that is only away.
import type { Identity, TokenPair } from '@opmas/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from './http.ts';
import { createSession, type SessionPorts } from './session.ts';

const me: Identity = { kind: 'user', id: '1', username: 'admin', roles: ['admin'] };
const refused = new ApiError({ status: 401, code: 'OPMAS_TOKEN_INVALID', message: 'used' });
const away = new ApiError({ status: 0, code: 'OPMAS_API_UNREACHABLE', message: 'away' });

function pair(n: number): TokenPair {
  return { access_token: `a${n}`, refresh_token: `r${n}`, token_type: 'Bearer', expires_in: 900 };
}

function bench(kept?: string, over: Partial<SessionPorts> = {}) {
  const store = new Map(kept ? [['opmas.refresh', kept]] : []);
  let n = 1;
  const refresh = vi.fn<SessionPorts['refresh']>(async () => pair((n += 1)));
  const session = createSession({
    refresh,
    logout: async () => {},
    identity: async () => me,
    now: () => Date.now(),
    storage: {
      getItem: (key) => store.get(key) ?? null,
      setItem: (key, value) => void store.set(key, value),
      removeItem: (key) => void store.delete(key),
    },
    ...over,
  });
  return { session, store, refresh };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a reload stays signed in, and the used refresh token is replaced', async () => {
  const { session, store, refresh } = bench('r1');
  await session.restore();
  expect(session.state()).toEqual({ phase: 'in', identity: me });
  expect(refresh).toHaveBeenCalledWith('r1');
  expect([...store.values()]).toEqual(['r2']);
});

test('the access token is kept nowhere but in memory', async () => {
  const { session, store } = bench();
  await session.begin(pair(1));
  expect(JSON.stringify([...store])).not.toContain('a1');
});

test('a refused refresh token signs out; a server that is away does not', async () => {
  const first = bench('r1', { refresh: async () => Promise.reject(refused) });
  await first.session.restore();
  expect(first.session.state()).toEqual({ phase: 'out' });
  expect(first.store.size).toBe(0);

  const second = bench('r1', { refresh: async () => Promise.reject(away) });
  await second.session.restore();
  expect(second.session.state()).toEqual({ phase: 'unreachable' });
  expect(second.store.size).toBe(1);
});

test('many requests that find the token refused cause one renewal', async () => {
  const { session, refresh } = bench();
  await session.begin(pair(1));
  const tokens = await Promise.all([session.token('a1'), session.token('a1'), session.token('a1')]);
  expect(tokens).toEqual(['a2', 'a2', 'a2']);
  expect(refresh).toHaveBeenCalledTimes(1);
  expect(await session.token('a1')).toBe('a2');
  expect(refresh).toHaveBeenCalledTimes(1);
});

test('the token is renewed before it expires', async () => {
  const { session, refresh } = bench();
  await session.begin(pair(1));
  await vi.advanceTimersByTimeAsync(839_000);
  expect(refresh).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(refresh).toHaveBeenCalledWith('r1');
  expect(await session.token()).toBe('a2');
});

test('a renewal that was on its way at sign-out brings nobody back', async () => {
  const answer = Promise.withResolvers<TokenPair>();
  const { session, store } = bench(undefined, { refresh: () => answer.promise });
  await session.begin(pair(1));
  const renewal = session.token('a1');
  const failed = expect(renewal).rejects.toMatchObject({ status: 401 });
  await session.end();
  answer.resolve(pair(2));
  await failed;
  expect(session.state()).toEqual({ phase: 'out' });
  expect(store.size).toBe(0);
  await expect(session.token()).rejects.toMatchObject({ status: 401 });
});
