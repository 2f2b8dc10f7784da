import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sql } from '../../kernel/sql.ts';
import { feedClient } from '../../testing/feed-client.ts';
import { movingClock } from '../../testing/moving-clock.ts';
import { PASSWORD, type Pair, patiently, post } from '../../testing/people.ts';
import { type TestServer, testServer } from '../../testing/server.ts';

const HOUR_MS = 3_600_000;
const clock = movingClock();
let server: TestServer;
const { signIn, person } = patiently(() => server, clock);

beforeAll(async () => {
  server = await testServer({ clock });
  await person('ada', 'admin');
});
afterAll(() => server.stop());

const refresh = (token: string, userAgent = 'page') =>
  post(server, '/auth/refresh', { refresh_token: token }, { 'user-agent': userAgent });
const me = async (token: string) => (await server.call('GET', '/api/v1/auth/me', { token })).status;

/** A pair whose refresh token was exchanged by `page`: the old one and the new pair. */
async function exchanged() {
  const first = await signIn('ada', { userAgent: 'page' });
  const answer = await refresh(first.refresh_token);
  expect(answer.status).toBe(200);
  return { old: first.refresh_token, pair: answer.body as Pair };
}

describe('X12 refresh replay', () => {
  it('rotates the token at every use', async () => {
    const { old, pair } = await exchanged();
    expect(pair.refresh_token).not.toBe(old);
    expect((await refresh(pair.refresh_token)).status).toBe(200);
  });

  it('keeps tokens as hashes only', async () => {
    const { pair } = await exchanged();
    const rows = await server.database.pool.selectFrom('refresh_tokens').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(pair.refresh_token);
  });

  it('fifty at once from one client rotate once: one successor, and the session lives', async () => {
    const first = await signIn('ada', { userAgent: 'page' });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => refresh(first.refresh_token)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
    const successors = new Set(answers.map(({ body }) => (body as Pair).refresh_token));
    expect(successors.size).toBe(1);
    const [successor = ''] = successors;
    expect((await refresh(successor)).status).toBe(200);
  });

  it('fifty at once from fifty clients: exactly one wins, and the session ends for all', async () => {
    const first = await signIn('ada');
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => refresh(first.refresh_token, `client ${n}`)),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    const pair = won[0]?.body as Pair;
    expect((await refresh(pair.refresh_token, 'client 0')).status).toBe(401);
    expect(await me(pair.access_token)).toBe(401);
  });

  it('gives the client that lost the answer the same successor for ten seconds', async () => {
    const { old, pair } = await exchanged();
    clock.move(9_000);
    const again = await refresh(old);
    expect(again).toMatchObject({ status: 200, body: { refresh_token: pair.refresh_token } });
  });

  it.each([
    ['after ten seconds', async () => clock.move(10_001), 'page'],
    ['from another client', async () => undefined, 'thief'],
    ['after the successor was used', async (token: string) => void (await refresh(token)), 'page'],
  ])('closes the session when an exchanged token comes back %s', async (_, before, userAgent) => {
    const { old, pair } = await exchanged();
    await before(pair.refresh_token);
    const replayed = await refresh(old, userAgent);
    expect(replayed).toMatchObject({ status: 401, body: { code: 'OPMAS_TOKEN_INVALID' } });
    expect((await refresh(pair.refresh_token)).status).toBe(401);
    expect(await me(pair.access_token)).toBe(401);
  });

  it('puts a replay on record, with whose session it was', async () => {
    const { old } = await exchanged();
    await refresh(old, 'thief');
    const row = await waitFor(async () =>
      server.database.pool
        .selectFrom('audit_log')
        .select(['action', 'details'])
        .where('action', '=', 'auth.refresh')
        .where('outcome', '=', 'ok')
        .executeTakeFirst(),
    );
    expect(row.details).toMatchObject({ reason: 'a refresh token came twice: session ended' });
  });

  it('ends the session together with the record of it, or neither', async () => {
    const { old, pair } = await exchanged();
    const { pool } = server.database;
    await sql`ALTER TABLE audit_log RENAME TO audit_log_aside`.execute(pool);
    try {
      expect((await refresh(old, 'thief')).status).toBe(500);
    } finally {
      await sql`ALTER TABLE audit_log_aside RENAME TO audit_log`.execute(pool);
    }
    expect(await me(pair.access_token)).toBe(200);
    const ended = () =>
      pool
        .selectFrom('audit_log')
        .select('object')
        .where('action', '=', 'auth.refresh')
        .where('outcome', '=', 'ok')
        .execute();
    const before = (await ended()).length;
    const thieves = await Promise.all(Array.from({ length: 8 }, () => refresh(old, 'thief')));
    expect(new Set(thieves.map(({ status }) => status))).toEqual(new Set([401]));
    expect(await me(pair.access_token)).toBe(401);
    expect((await ended()).length).toBe(before + 1);
  });

  it('a token nobody gave is refused, and ends nothing', async () => {
    const answer = await refresh('x'.repeat(43));
    expect(answer).toMatchObject({ status: 401, body: { code: 'OPMAS_TOKEN_INVALID' } });
    expect((await post(server, '/auth/refresh', {})).status).toBe(401);
    expect((await post(server, '/auth/refresh', { refresh_token: 7 })).status).toBe(400);
  });
});

describe('a session', () => {
  it('ends after twelve hours unused', async () => {
    const { refresh_token } = await signIn('ada', { userAgent: 'page' });
    clock.move(12 * HOUR_MS + 1);
    expect((await refresh(refresh_token)).status).toBe(401);
  });

  it('ends after thirty days, however much it is used', async () => {
    let { refresh_token } = await signIn('ada', { userAgent: 'page' });
    for (let hours = 0; hours < 30 * 24 - 11; hours += 11) {
      clock.move(11 * HOUR_MS);
      const answer = await refresh(refresh_token);
      expect(answer.status).toBe(200);
      ({ refresh_token } = answer.body as Pair);
    }
    clock.move(11 * HOUR_MS);
    expect((await refresh(refresh_token)).status).toBe(401);
  });

  it('is listed with where it was used, and ended by its owner alone', async () => {
    const eve = await person('eve', 'read-only');
    const { access_token } = await signIn('ada', { userAgent: 'phone' });
    const other = await signIn('ada', { userAgent: 'tablet' });
    const list = async () =>
      (await server.call('GET', '/api/v1/auth/sessions', { token: access_token })).body as {
        items: { session_id: string; user_agent: string; current: boolean; remote: string }[];
      };
    const { items } = await list();
    expect(items.find(({ current }) => current)).toMatchObject({
      user_agent: 'phone',
      remote: '127.0.0.1',
    });
    const id = items.find(({ user_agent }) => user_agent === 'tablet')?.session_id ?? '';
    const path = `/api/v1/auth/sessions/${id}`;
    expect((await server.call('DELETE', path, { token: eve.access_token })).status).toBe(404);
    expect((await server.call('DELETE', path, { token: access_token })).status).toBe(204);
    expect((await server.call('DELETE', path, { token: access_token })).status).toBe(404);
    expect(await me(other.access_token)).toBe(401);
    expect((await list()).items.map(({ session_id }) => session_id)).not.toContain(id);
  });

  it('leaves only itself when all others are ended', async () => {
    const here = await signIn('ada');
    const there = await signIn('ada');
    const ended = await server.call('DELETE', '/api/v1/auth/sessions', {
      token: here.access_token,
    });
    expect(ended.status).toBe(204);
    expect(await me(there.access_token)).toBe(401);
    expect(await me(here.access_token)).toBe(200);
  });

  it('is the fifty-first of a user only for the one used longest ago', async () => {
    const bob = await person('bob', 'read-only');
    const pairs: Pair[] = [];
    for (let n = 0; n < 50; n++) pairs.push(await signIn('bob'));
    expect(await me(bob.access_token)).toBe(401);
    expect(await me(pairs.at(-1)?.access_token ?? '')).toBe(200);
    const listed = await server.call('GET', `/api/v1/users/${bob.user_id}/sessions`);
    expect((listed.body as { items: unknown[] }).items).toHaveLength(50);
  });

  it('is for people: the owner of the data folder and scripts have none', async () => {
    expect((await server.call('GET', '/api/v1/auth/sessions')).status).toBe(403);
    expect((await server.call('GET', '/api/v1/auth/sessions', { token: null })).status).toBe(401);
  });
});

describe('X13 use after revocation', () => {
  const change = (path: string, method: string, body?: unknown) =>
    server.call(method, `/api/v1${path}`, body === undefined ? {} : { body });

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['the role changes', (id) => change(`/users/${id}`, 'PUT', { roles: ['operator'] })],
    ['the user is disabled', (id) => change(`/users/${id}`, 'PUT', { disabled: true })],
    ['the user is deleted', (id) => change(`/users/${id}`, 'DELETE')],
    ['the password is reset', (id) => change(`/users/${id}`, 'PUT', { password: `${PASSWORD}!` })],
    ['the sessions are ended', (id) => change(`/users/${id}/sessions`, 'DELETE')],
  ])('cuts REST and WebSocket within five seconds when %s', async (what, act) => {
    const who = await person(`cut-${what.replaceAll(' ', '-')}`, 'read-only');
    const feed = await feedClient(server.url, { token: who.access_token, topics: ['agents'] });
    await feed.waitFor(({ type }) => type === 'snapshot');
    const started = performance.now();
    await act(who.user_id);
    expect(await me(who.access_token)).toBe(401);
    expect((await feed.waitForClose()).code).toBe(4401);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('a changed role holds after the next exchange, without signing in again', async () => {
    const who = await person('carol', 'read-only');
    await change(`/users/${who.user_id}`, 'PUT', { roles: ['operator'] });
    const pair = (await refresh(who.refresh_token)).body as Pair;
    const identity = await server.call('GET', '/api/v1/auth/me', { token: pair.access_token });
    expect(identity.body).toMatchObject({ roles: ['operator'] });
  });

  it('an exchange that meets a change of rights waits for it, and has the new ones', async () => {
    const who = await person('grace', 'admin');
    const { pool } = server.database;
    const waiting = async () => {
      const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE '%users%for share%'
          AND datname = current_database()`.execute(pool);
      return (rows[0]?.n ?? 0) > 0;
    };
    const { exchange } = await server.database.transaction(async (tx) => {
      const roles = ['read-only'];
      await tx.updateTable('users').set({ roles }).where('id', '=', who.user_id).execute();
      const answer = refresh(who.refresh_token);
      await waitFor(waiting, { timeoutMs: 5_000 });
      return { exchange: answer };
    });
    const token = ((await exchange).body as Pair).access_token;
    const identity = await server.call('GET', '/api/v1/auth/me', { token });
    expect(identity.body).toMatchObject({ roles: ['read-only'] });
  });

  it('a disabled user gets nothing for an old refresh token', async () => {
    const who = await person('dave', 'read-only');
    await change(`/users/${who.user_id}`, 'PUT', { disabled: true });
    expect((await refresh(who.refresh_token)).status).toBe(401);
  });

  it('nor one whose session was left open when they were disabled', async () => {
    const who = await person('erin', 'read-only');
    await server.database.pool
      .updateTable('users')
      .set({ disabled_at: new Date(clock.now()) })
      .where('id', '=', who.user_id)
      .execute();
    expect((await refresh(who.refresh_token)).status).toBe(401);
  });
});
