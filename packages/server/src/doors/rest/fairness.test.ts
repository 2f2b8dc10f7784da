/** Seen from outside, on a whole server: what one caller does beyond its limit is its own affair. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Person, person } from '../../testing/people.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import { RATES } from './admission.ts';

/** Calls under way at once, of the caller that went wild. */
const LANES = 8;

let server: TestServer;
let greedy: Person;
let modest: Person;
beforeAll(async () => {
  server = await testServer();
  greedy = await person(server, 'greedy', 'admin');
  modest = await person(server, 'modest', 'admin');
});
afterAll(() => server.stop());

const status = async (who: Person, path = '/api/v1/agents') =>
  (await server.call('GET', path, { token: who.access_token })).status;

/** Asks `count` times, `LANES` at once; how often each status came. */
async function flood(who: Person, count: number): Promise<Map<number, number>> {
  const seen = new Map<number, number>();
  let left = count;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      const got = await status(who);
      seen.set(got, (seen.get(got) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return seen;
}

test('X18 one caller at ten times its limit: another is never refused, and it is itself', {
  timeout: 120_000,
}, async () => {
  const flooding = { done: false };
  const flooded = flood(greedy, RATES.read.burst * 10).finally(() => {
    flooding.done = true;
  });
  const others: number[] = [];
  while (!flooding.done && others.length < RATES.read.burst - 1) others.push(await status(modest));
  const seen = await flooded;
  expect(others.length).toBeGreaterThan(10);
  expect(others.filter((one) => one !== 200)).toEqual([]);
  expect(new Set(seen.keys())).toEqual(new Set([200, 429]));
  expect(seen.get(200)).toBeGreaterThanOrEqual(RATES.read.burst);
  expect(seen.get(429)).toBeGreaterThan(RATES.read.burst);
  // What it may do besides reading is a count of its own.
  expect(await status(greedy, '/api/v1/audit/verify')).toBe(200);
});
