import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { networkOf } from '../../kernel/network.ts';
import { allOperations, type Services } from '../../operations.ts';
import { type TestDoors, testDoors } from '../../testing/doors.ts';
import { EXPENSIVE, RATES, rateClassOf } from './admission.ts';

let doors: TestDoors;
beforeAll(async () => {
  doors = await testDoors();
});
afterAll(() => doors.close());

const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

async function statuses(count: number, ask: () => Promise<Response>): Promise<number[]> {
  const answers: number[] = [];
  for (let n = 0; n < count; n += 20) {
    const some = await Promise.all(Array.from({ length: Math.min(20, count - n) }, ask));
    answers.push(...some.map(({ status }) => status));
  }
  return answers;
}
const share = (all: readonly number[], status: number) =>
  all.filter((one) => one === status).length;

describe('X18 one caller at ten times its limit', () => {
  test('is told when to come back, and nothing of what was refused is done', async () => {
    const before = doors.ran.length;
    const made = await statuses(RATES.expensive.burst * 10, () =>
      doors.call('GET', '/api/v1/verify', as('user.greedy')),
    );
    expect(share(made, 200)).toBeGreaterThanOrEqual(RATES.expensive.burst);
    expect(share(made, 200)).toBeLessThanOrEqual(RATES.expensive.burst + 2);
    expect(share(made, 200) + share(made, 429)).toBe(made.length);
    expect(doors.ran.length - before).toBe(share(made, 200));

    const refused = await doors.call('GET', '/api/v1/verify', as('user.greedy'));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await refused.json()).toMatchObject({ status: 429, code: 'OPMAS_RATE_LIMITED' });
  });

  test('takes nothing of another caller, of its own other classes, or of a namesake of another kind', async () => {
    await statuses(RATES.expensive.burst * 3, () =>
      doors.call('GET', '/api/v1/verify', as('user.greedy')),
    );
    for (const [token, path] of [
      ['user.modest', '/api/v1/verify'],
      ['token.greedy', '/api/v1/verify'],
      ['agent.other', '/health/live'],
      ['user.greedy', '/api/v1/things'],
    ] as const) {
      expect((await doors.call('GET', path, as(token))).status, `${token} ${path}`).toBe(200);
    }
  });

  test('an open call is counted by address, with a limit of its own where guesses could abuse it', async () => {
    const made = await statuses(40, () =>
      doors.call('POST', '/api/v1/open', { body: '{}', headers: { authorization: '' } }),
    );
    expect(share(made, 200)).toBeGreaterThanOrEqual(10);
    expect(share(made, 200)).toBeLessThanOrEqual(12);
    expect(share(made, 429)).toBe(40 - share(made, 200));
  });

  test('a forged token uses up nothing of the one it names', async () => {
    const forged = await statuses(100, () =>
      doors.call('GET', '/api/v1/verify', as('forged.dora')),
    );
    expect(share(forged, 401)).toBe(100);
    expect((await doors.call('GET', '/api/v1/verify', as('user.dora'))).status).toBe(200);
  });
});

/** With doors of their own: all tests have one address. */
describe('X18 an address that tries one token after the other', () => {
  const forged = (at: TestDoors) => at.call('GET', '/api/v1/things', as('forged.anna'));

  async function exhausted(given: Parameters<typeof testDoors>[0] = {}): Promise<TestDoors> {
    const own = await testDoors(given);
    const made = await statuses(RATES.guesses.burst * 2, () => forged(own));
    expect(share(made, 401)).toBeGreaterThanOrEqual(RATES.guesses.burst);
    expect(share(made, 401) + share(made, 429)).toBe(made.length);
    return own;
  }

  test('is told to wait, with a time', async () => {
    const own = await exhausted();
    try {
      // On a busy machine one more guess may have come free meanwhile.
      let refused = await forged(own);
      for (let n = 0; n < RATES.guesses.burst && refused.status === 401; n += 1) {
        refused = await forged(own);
      }
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(await refused.json()).toMatchObject({ code: 'OPMAS_RATE_LIMITED' });
    } finally {
      await own.close();
    }
  });

  test('locks out nobody who has a good one, nor those who have none yet', async () => {
    const own = await exhausted();
    try {
      for (const token of ['user.anna', 'token.script']) {
        expect((await own.call('GET', '/api/v1/things', as(token))).status, token).toBe(200);
      }
      const open = await own.call('POST', '/api/v1/open', {
        body: '{}',
        headers: { authorization: '' },
      });
      expect(open.status).toBe(200);
      const none = { headers: { authorization: '' } };
      expect((await own.call('GET', '/api/v1/things', none)).status).toBe(401);
    } finally {
      await own.close();
    }
  });

  test('uses up nothing of another address', async () => {
    const own = await exhausted({ trustedProxies: ['127.0.0.1'] });
    try {
      const elsewhere = await own.call('GET', '/api/v1/things', {
        headers: { authorization: 'Bearer forged.anna', 'x-forwarded-for': '198.51.100.1' },
      });
      expect(elsewhere.status).toBe(401);
    } finally {
      await own.close();
    }
  });
});

describe('X18 the table of classes', () => {
  /** Operations use their services only when they run. */
  const none: object = new Proxy({}, { get: () => none });
  const all = allOperations(none as Services);

  test('gives every operation of the API one, and open ones none that needs a name', () => {
    for (const each of all) {
      const kind = rateClassOf(each);
      expect(RATES[kind], each.id).toBeDefined();
      expect(kind === 'open', each.id).toBe(each.permission === 'open');
    }
  });

  test('knows what is expensive by names that exist, and counts it as that', () => {
    const expensive = all.filter((each) => rateClassOf(each) === 'expensive').map(({ id }) => id);
    expect(expensive.toSorted()).toEqual([...EXPENSIVE].toSorted());
  });

  test('what is answered without end is expensive', () => {
    for (const { id, kind } of all) if (kind === 'stream') expect(EXPENSIVE).toContain(id);
  });
});

describe('X18 addresses', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::7', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
  ])('%s is counted as %s', (ip, network) => expect(networkOf(ip)).toBe(network));

  test('what a proxy says of its callers is believed only of a proxy we trust', async () => {
    const behind = await testDoors({ trustedProxies: ['127.0.0.1'] });
    const from = (at: TestDoors, address: string) => () =>
      at.call('POST', '/api/v1/open', {
        body: '{}',
        headers: { authorization: '', 'x-forwarded-for': address },
      });
    try {
      await statuses(20, from(behind, '198.51.100.1'));
      expect((await from(behind, '198.51.100.1')()).status).toBe(429);
      expect((await from(behind, '198.51.100.2')()).status).toBe(200);
      await statuses(20, from(doors, '198.51.100.1'));
      expect((await from(doors, '198.51.100.9')()).status).toBe(429);
    } finally {
      await behind.close();
    }
  });
});
