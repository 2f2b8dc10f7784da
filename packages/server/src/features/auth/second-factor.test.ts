import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { movingClock } from '../../testing/moving-clock.ts';
import { codeOf, PASSWORD, type Person, patiently, post } from '../../testing/people.ts';
import { type TestServer, testServer } from '../../testing/server.ts';

const STEP_MS = 30_000;
const clock = movingClock();
let server: TestServer;
const { signIn, person } = patiently(() => server, clock);

beforeAll(async () => {
  server = await testServer({ clock });
});
afterAll(() => server.stop());

const call = (method: string, path: string, token: string, body?: unknown) =>
  server.call(method, `/api/v1${path}`, { token, ...(body === undefined ? {} : { body }) });
const login = (username: string, totp?: string) => {
  clock.move(2_100);
  return post(server, '/auth/login', {
    username,
    password: PASSWORD,
    ...(totp === undefined ? {} : { totp }),
  });
};
const refusedWith = (status: number, code: string) => ({ status, body: { code } });

/** A person with the second factor on; the code of this moment is used up. */
async function guarded(name: string): Promise<Person & { secret: string; codes: string[] }> {
  const who = await person(name, 'read-only');
  const proposed = await call('POST', '/auth/totp', who.access_token, { password: PASSWORD });
  const { secret } = proposed.body as { secret: string };
  const code = codeOf(secret, clock.now());
  const confirmed = await call('POST', '/auth/totp/confirm', who.access_token, { code });
  expect(confirmed.status).toBe(200);
  const { recovery_codes: codes } = confirmed.body as { recovery_codes: string[] };
  clock.move(STEP_MS);
  return { ...who, secret, codes };
}

describe('X16 the second factor', () => {
  it('is a secret for an app, of RFC 6238', async () => {
    const who = await person('tina', 'read-only');
    const { body } = await call('POST', '/auth/totp', who.access_token, { password: PASSWORD });
    const { secret, uri } = body as { secret: string; uri: string };
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(uri).toContain(`otpauth://totp/OPMAS:tina?issuer=OPMAS&secret=${secret}`);
  });

  it('counts once a code of it was confirmed, not before', async () => {
    const who = await person('timo', 'read-only');
    const proposed = await call('POST', '/auth/totp', who.access_token, { password: PASSWORD });
    const { secret } = proposed.body as { secret: string };
    expect((await login('timo')).status).toBe(200);
    const wrong = codeOf(secret, clock.now() + 10 * STEP_MS);
    expect(
      await call('POST', '/auth/totp/confirm', who.access_token, { code: wrong }),
    ).toMatchObject(refusedWith(403, 'OPMAS_CODE_WRONG'));
    const code = codeOf(secret, clock.now());
    const right = await call('POST', '/auth/totp/confirm', who.access_token, { code });
    expect(right.status).toBe(200);
    expect((right.body as { recovery_codes: string[] }).recovery_codes).toHaveLength(10);
    expect(await login('timo')).toMatchObject(refusedWith(401, 'OPMAS_TOTP_REQUIRED'));
    const me = await call('GET', '/auth/me', who.access_token);
    expect(me.body).toMatchObject({ totp_enabled: true });
  });

  it('needs the password to be turned on and off, and is turned on once', async () => {
    const who = await guarded('wanda');
    const wrong = { password: 'wrong' };
    for (const path of ['/auth/totp', '/auth/totp/remove']) {
      expect(await call('POST', path, who.access_token, wrong)).toMatchObject(
        refusedWith(403, 'OPMAS_PASSWORD_WRONG'),
      );
    }
    const right = { password: PASSWORD };
    expect((await call('POST', '/auth/totp', who.access_token, right)).status).toBe(409);
    expect((await call('POST', '/auth/totp/remove', who.access_token, right)).status).toBe(204);
    expect((await call('POST', '/auth/totp/remove', who.access_token, right)).status).toBe(409);
    expect((await login('wanda')).status).toBe(200);
  });

  it('is not asked of who is disabled: that the password was right is not told', async () => {
    const { user_id } = await guarded('idle');
    expect(await login('idle')).toMatchObject(refusedWith(401, 'OPMAS_TOTP_REQUIRED'));
    await server.call('PUT', `/api/v1/users/${user_id}`, { body: { disabled: true } });
    expect(await login('idle')).toMatchObject(refusedWith(401, 'OPMAS_BAD_CREDENTIALS'));
  });

  it('takes a code once, and the one before and after for clocks that differ', async () => {
    const { secret } = await guarded('ken');
    const code = codeOf(secret, clock.now());
    expect((await login('ken', code)).status).toBe(200);
    expect(await login('ken', code)).toMatchObject(refusedWith(401, 'OPMAS_BAD_CREDENTIALS'));
    clock.move(STEP_MS);
    expect((await login('ken', codeOf(secret, clock.now() + STEP_MS))).status).toBe(200);
    expect((await login('ken', codeOf(secret, clock.now()))).status).toBe(401);
    clock.move(10 * STEP_MS);
    expect((await login('ken', codeOf(secret, clock.now() - STEP_MS))).status).toBe(200);
    clock.move(10 * STEP_MS);
    expect((await login('ken', codeOf(secret, clock.now() - 3 * STEP_MS))).status).toBe(401);
  });

  it('lets one of many in that use the same code at once', async () => {
    const { secret } = await guarded('race');
    const code = codeOf(secret, clock.now());
    const body = { username: 'race', password: PASSWORD, totp: code };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => post(server, '/auth/login', body)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('has ten recovery codes, each good once, however they are typed', async () => {
    const { codes } = await guarded('rec');
    const [first = '', second = ''] = codes;
    expect(first).toMatch(/^([2-9A-HJ-NP-Z]{4}-){5}[2-9A-HJ-NP-Z]{4}$/);
    expect(new Set(codes).size).toBe(10);
    expect((await login('rec', first)).status).toBe(200);
    expect((await login('rec', first)).status).toBe(401);
    const typed = second.toLowerCase().replaceAll('-', ' ');
    expect((await login('rec', typed)).status).toBe(200);
    expect((await login('rec', 'AAAA-AAAA-AAAA-AAAA-AAAA-AAAA')).status).toBe(401);
  });

  it('is kept sealed, its recovery codes as hashes', async () => {
    const { secret, codes } = await guarded('dump');
    const rows = [
      await server.database.pool.selectFrom('users').selectAll().execute(),
      await server.database.pool.selectFrom('recovery_codes').selectAll().execute(),
      await server.database.pool.selectFrom('audit_log').selectAll().execute(),
    ];
    const dump = JSON.stringify(rows);
    expect(dump).not.toContain(secret);
    for (const code of codes) expect(dump).not.toContain(code);
  });

  it('guessing its codes is throttled like guessing the password', async () => {
    await guarded('guess');
    const statuses: number[] = [];
    for (let n = 0; n < 8; n++) statuses.push((await login('guess', '000000')).status);
    expect(statuses.slice(0, 6)).toEqual(Array(6).fill(401));
    const blocked = await post(server, '/auth/login', {
      username: 'guess',
      password: PASSWORD,
      totp: '000000',
    });
    expect(blocked.status).toBe(429);
  });

  it('a short password beside it must grow before it goes', async () => {
    const who = await guarded('shorty');
    const short = 'x7#kPq92';
    const set = await call('PUT', '/auth/password', who.access_token, {
      current_password: PASSWORD,
      new_password: short,
    });
    expect(set.status).toBe(204);
    const off = await call('POST', '/auth/totp/remove', who.access_token, { password: short });
    expect(off).toMatchObject(refusedWith(409, 'OPMAS_CONFLICT'));
    const lost = `/api/v1/users/${who.user_id}/totp`;
    expect(await server.call('DELETE', lost)).toMatchObject(refusedWith(409, 'OPMAS_CONFLICT'));
    const reset = { body: { password: PASSWORD } };
    expect((await server.call('PUT', `/api/v1/users/${who.user_id}`, reset)).status).toBe(200);
    expect((await server.call('DELETE', lost)).status).toBe(204);
    expect((await login('shorty')).status).toBe(200);
  });

  it('is taken away by an administrator when it is lost, and the sessions with it', async () => {
    const who = await guarded('lost');
    const path = `/api/v1/users/${who.user_id}/totp`;
    expect((await server.call('DELETE', path)).status).toBe(204);
    expect((await call('GET', '/auth/me', who.access_token)).status).toBe(401);
    await expect(signIn('lost')).resolves.toBeDefined();
    expect((await server.call('DELETE', path)).status).toBe(404);
  });

  it('on and off are on record', async () => {
    const who = await guarded('audited');
    await call('POST', '/auth/totp/remove', who.access_token, { password: PASSWORD });
    const rows = await server.database.pool
      .selectFrom('audit_log')
      .select(['action', 'outcome'])
      .where('action', 'like', 'auth.totp.%')
      .execute();
    for (const action of ['auth.totp.propose', 'auth.totp.confirm', 'auth.totp.remove']) {
      expect(rows).toContainEqual({ action, outcome: 'ok' });
    }
  });

  it('is for people', async () => {
    const paths = ['/auth/totp', '/auth/totp/confirm', '/auth/totp/remove'];
    for (const path of paths) {
      const body = path.endsWith('confirm') ? { code: '123456' } : { password: 'x' };
      expect((await server.call('POST', `/api/v1${path}`, { body })).status).toBe(403);
      expect((await server.call('POST', `/api/v1${path}`, { body, token: null })).status).toBe(401);
    }
  });
});
