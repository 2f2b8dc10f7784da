/** Several servers on one database: what one ends, all end; what one takes, none takes again. */
import { join } from 'node:path';
import { openKeyring } from '@opmas/keyring';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import { systemIds } from '../../kernel/ids.ts';
import type { AfterCommit } from '../../operation.ts';
import { PASSWORD, person } from '../../testing/people.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import { createAccessService } from '../access/index.ts';
import { createKeyChain, createVault } from '../secrets/index.ts';
import { createAuthService } from './auth.service.ts';
import { createTokens } from './tokens.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.stop());

/** The sign-in part of another server with the same database and master key. */
function replica() {
  const { database } = server;
  const vault = createVault(openKeyring(join(server.dataDir, 'keys/master.key'), { make: false }));
  const common = { database, vault, clock: systemClock, ids: systemIds };
  return createAuthService({
    ...common,
    tokens: createTokens(createKeyChain(common), systemClock),
    localToken: 'the other server’s own',
    grantsOf: () => [],
    rolesNow: createAccessService(common).rolesNow,
    providers: [],
    tokenCaller: async () => undefined,
    tokenGrants: () => [],
  });
}

describe('X13 use after revocation on another replica', () => {
  it.each<[string, string, (id: string) => string, unknown?]>([
    ['the role changes', 'PUT', (id) => `/users/${id}`, { roles: ['operator'] }],
    ['the user is disabled', 'PUT', (id) => `/users/${id}`, { disabled: true }],
    ['the password is reset', 'PUT', (id) => `/users/${id}`, { password: `${PASSWORD}!` }],
    ['the sessions are ended', 'DELETE', (id) => `/users/${id}/sessions`],
    ['the user is deleted', 'DELETE', (id) => `/users/${id}`],
  ])('ends with its next look when %s', async (what, method, path, body) => {
    const who = await person(server, what.replaceAll(' ', '-'), 'read-only');
    const other = replica();
    await expect(other.authenticate(who.access_token)).resolves.toBeDefined();
    const given = body === undefined ? {} : { body };
    const answer = await server.call(method, `/api/v1${path(who.user_id)}`, given);
    expect(answer.status).toBeLessThan(300);
    await other.syncRevocations([]);
    await expect(other.authenticate(who.access_token)).rejects.toMatchObject({ status: 401 });
  });
});

describe('X16 a password that is changed elsewhere between proof and sign-in', () => {
  it('is the password no more', async () => {
    const who = await person(server, 'changed-meanwhile', 'read-only');
    const signIn = (before: () => Promise<unknown>) =>
      replica().signIn.login(
        { username: who.username, password: PASSWORD },
        { remote: '192.0.2.1' },
        {
          commit: async (work) => {
            await before();
            return server.database.transaction(work);
          },
          audit: () => undefined,
          afterCommit: () => undefined,
        },
      );
    await expect(signIn(async () => undefined)).resolves.toBeDefined();
    const body = { password: `${PASSWORD}!` };
    const change = () => server.call('PUT', `/api/v1/users/${who.user_id}`, { body });
    await expect(signIn(change)).rejects.toMatchObject({ code: 'OPMAS_BAD_CREDENTIALS' });
  });
});

describe('a session that gives way to a sign-in', () => {
  it('goes on when the sign-in is not committed', async () => {
    const who = await person(server, 'crowded', 'read-only');
    const [at, later] = [new Date(Date.now() + 1_000), new Date(Date.now() + 60_000)];
    const session = { created_at: at, last_used_at: at, expires_at: later, user_id: who.user_id };
    const others = Array.from({ length: 49 }, () => ({ ...session, id: systemIds.uuid() }));
    await server.database.pool.insertInto('sessions').values(others).execute();
    const here = replica();
    const effects: AfterCommit[] = [];
    const refused = here.signIn.login(
      { username: who.username, password: PASSWORD },
      { remote: '192.0.2.1' },
      {
        commit: (work) =>
          server.database.transaction(async (tx) => {
            await work(tx);
            throw new Error('the database went away');
          }),
        audit: () => undefined,
        afterCommit: (effect) => void effects.push(effect),
      },
    );
    await expect(refused).rejects.toThrow('went away');
    expect(effects).toHaveLength(1);
    await expect(here.authenticate(who.access_token)).resolves.toBeDefined();
    await effects[0]?.();
    await expect(here.authenticate(who.access_token)).rejects.toMatchObject({ status: 401 });
  });
});

describe('X11 a return of a provider on two replicas', () => {
  it('counts once', async () => {
    const someone = {
      issuer: 'https://id.example',
      subject: 's1',
      name: 'nina',
      roles: ['operator'],
      state: 'one state',
      stateExpires: Date.now() + 60_000,
    };
    const signIn = () =>
      replica().signIn.provider(
        someone,
        { remote: '192.0.2.1' },
        {
          commit: (work) => server.database.transaction(work),
          audit: () => undefined,
          afterCommit: () => undefined,
        },
      );
    const outcomes = await Promise.allSettled([signIn(), signIn(), signIn()]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toMatchObject({ code: 'OPMAS_TOKEN_INVALID' });
      }
    }
  });
});
