import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { movingClock } from '../../testing/moving-clock.ts';
import { PASSWORD, patiently, post } from '../../testing/people.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import { hashPassword, verifyPassword } from './password.ts';
import { accountKey, addressKey, createThrottle, FORGET_MS } from './throttle.ts';

const clock = movingClock();
let server: TestServer;
const { signIn, person } = patiently(() => server, clock);

beforeAll(async () => {
  server = await testServer({ clock });
});
afterAll(() => server.stop());
beforeEach(() => server.database.pool.deleteFrom('throttle').execute());

const limited = { code: 'OPMAS_RATE_LIMITED' };
const always = () => true;
const fail = () => Promise.reject(new Error('wrong'));
/** As one replica would use it. */
const replica = () => createThrottle({ database: server.database.pool, clock });

/** Attempts that fail, until one is not taken; the seconds to wait after each. */
async function failures(name: string, count: number): Promise<void> {
  const throttle = replica();
  for (let n = 0; n < count; n++) {
    await expect(throttle.attempt([accountKey('sign-in', name)], fail, always)).rejects.toThrow(
      'wrong',
    );
    clock.move(15 * 60_000);
  }
}

describe('X16 password attacks', () => {
  it('an account bears five failures, then waits longer after each', async () => {
    const throttle = replica();
    const key = accountKey('sign-in', 'ada');
    const waits: number[] = [];
    for (let n = 0; n < 20; n++) {
      await expect(throttle.attempt([key], fail, always)).rejects.toThrow('wrong');
      const wait = await throttle.admit(key).then(
        () => 0,
        (error: unknown) => (error as { retryAfter: number }).retryAfter,
      );
      waits.push(wait);
      clock.move(wait * 1_000);
    }
    expect(waits).toEqual([
      0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900,
    ]);
  });

  it('is locked after a hundred failures in a row, until a day has passed', async () => {
    await failures('locked', 100);
    const key = accountKey('sign-in', 'locked');
    await expect(replica().attempt([key], fail, always)).rejects.toMatchObject(limited);
    clock.move(FORGET_MS - 15 * 60_000 - 1_000);
    await expect(replica().admit(key)).rejects.toMatchObject(limited);
    clock.move(1_000);
    await expect(replica().attempt([key], async () => 'in', always)).resolves.toBe('in');
  });

  it('a success makes the account new again', async () => {
    await failures('lucky', 6);
    const key = accountKey('sign-in', 'lucky');
    await replica().attempt([key], async () => undefined, always);
    for (let n = 0; n < 5; n++) {
      await expect(replica().attempt([key], fail, always)).rejects.toThrow('wrong');
    }
  });

  it('many guesses at once on two replicas are no more than one after the other', async () => {
    const now = clock.now();
    const still = { now: () => now, monotonic: () => now };
    const database = server.database.pool;
    const one = createThrottle({ database, clock: still });
    const other = createThrottle({ database, clock: still });
    const key = accountKey('sign-in', 'burst');
    let made = 0;
    const guess = async () => {
      made += 1;
      throw new Error('wrong');
    };
    await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) =>
        (n % 2 === 0 ? one : other).attempt([key], guess, always),
      ),
    );
    expect(made).toBe(6);
  });

  it('an address bears thirty failures, and waits half a minute at most', async () => {
    const throttle = replica();
    const key = addressKey('sign-in', '192.0.2.7');
    for (let n = 0; n < 31; n++) {
      await expect(throttle.attempt([key], fail, always)).rejects.toThrow('wrong');
    }
    await expect(throttle.attempt([key], fail, always)).rejects.toMatchObject(limited);
    clock.move(1_000);
    for (let n = 0; n < 10; n++) {
      await expect(throttle.attempt([key], fail, always)).rejects.toThrow('wrong');
      clock.move(30_000);
    }
  });

  it.each([
    ['::ffff:192.0.2.7', '192.0.2.7', true],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
    ['2001:db8:1:2::1', '2001:0DB8:0001:0002::1%eth0', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['::1', '::2', true],
    ['192.0.2.7', '192.0.2.8', false],
  ])('%s and %s are one customer: %s', (one, other, same) => {
    const [first, second] = [addressKey('setup', one), addressKey('setup', other)];
    expect(first.text === second.text).toBe(same);
  });

  it('says the same of an account that exists and of one that does not', async () => {
    await person('exists', 'read-only');
    const tell = async (username: string) => {
      const answers: unknown[] = [];
      for (let n = 0; n < 8; n++) {
        const answer = await post(server, '/auth/login', { username, password: 'wrong' });
        const { request_id: _, ...body } = answer.body as Record<string, unknown>;
        answers.push([answer.status, answer.headers.get('retry-after'), body]);
      }
      clock.move(120_000);
      return answers;
    };
    const existing = await clock.still(() => tell('exists'));
    expect(existing.map((one) => (one as [number])[0])).toEqual([
      401, 401, 401, 401, 401, 401, 429, 429,
    ]);
    expect(await clock.still(() => tell('nobody'))).toEqual(existing);
  });

  it('one password tried on many accounts slows its address down', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 40 && !statuses.includes(429); n++) {
      clock.move(2_100); // within what any address may ask for
      const body = { username: `sprayed-${n}`, password: 'wrong' };
      statuses.push((await post(server, '/auth/login', body)).status);
    }
    expect(statuses.slice(0, 30)).toEqual(Array(30).fill(401));
    expect(statuses.at(-1)).toBe(429);
  });

  it('a locked account is freed by an administrator', async () => {
    const who = await person('freed', 'read-only');
    await failures('freed', 100);
    const body = { username: 'freed', password: PASSWORD };
    expect((await post(server, '/auth/login', body)).status).toBe(429);
    const path = `/api/v1/users/${who.user_id}`;
    expect((await server.call('PUT', path, { body: { disabled: false } })).status).toBe(200);
    await expect(signIn('freed')).resolves.toBeDefined();
  });

  it('guessing one’s way from a session to the password is throttled too', async () => {
    const { access_token: token } = await person('session', 'read-only');
    const body = { current_password: 'wrong', new_password: PASSWORD };
    const statuses: number[] = [];
    for (let n = 0; n < 8; n++) {
      statuses.push((await server.call('PUT', '/api/v1/auth/password', { token, body })).status);
    }
    expect(statuses).toEqual([403, 403, 403, 403, 403, 403, 429, 429]);
  });

  it('refresh tokens cannot be guessed at without end', async () => {
    let status = 401;
    for (let n = 0; n < 40 && status === 401; n++) {
      ({ status } = await post(server, '/auth/refresh', { refresh_token: 'x' }));
    }
    expect(status).toBe(429);
    const row = await server.database.pool.selectFrom('throttle').selectAll().executeTakeFirst();
    expect(row).toMatchObject({ key: 'refresh:address:127.0.0.1', failures: 31 });
  });

  it('takes the same work for a user that exists and one that does not', async () => {
    const known = await hashPassword(PASSWORD);
    const time = async (hash: string | undefined) => {
      const started = process.cpuUsage();
      await verifyPassword('wrong', hash);
      const { user, system } = process.cpuUsage(started);
      return user + system;
    };
    // Alternating, so that whatever else runs here weighs on both; medians, so that bursts do not count.
    const samples: [number[], number[]] = [[], []];
    for (let n = 0; n < 60; n++) {
      samples[0].push(await time(known));
      samples[1].push(await time(undefined));
    }
    const [existing, unknown] = samples.map((list) => list.sort((a, b) => a - b)[30] ?? 0) as [
      number,
      number,
    ];
    // Without the work an unknown user takes a hundredth of it.
    expect(unknown / existing).toBeGreaterThan(0.5);
    expect(unknown / existing).toBeLessThan(2);
  });

  it('forgets what no longer counts, and what is too much', async () => {
    await failures('old', 1);
    clock.move(FORGET_MS);
    for (let n = 0; n < 5; n++) await failures(`new ${n}`, 1);
    await replica().trim(3);
    const rows = await server.database.pool.selectFrom('throttle').select('key').execute();
    expect(rows).toHaveLength(3);
    const kept = rows.map(({ key }) => key);
    expect(kept).toContain(accountKey('sign-in', 'new 4').text);
    expect(kept).not.toContain(accountKey('sign-in', 'old').text);
  });
});
