/** Restarts come at once, then slower, and a healthy while forgives. */
import { expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { Backoff } from './backoff.ts';

test('the first restart is at once, then the wait doubles up to the cap', () => {
  const backoff = new Backoff(() => 0);
  backoff.ready();
  const waits = Array.from({ length: 9 }, () => backoff.next());
  expect(waits).toEqual([0, 250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test('a child that was ready for a minute starts at once again; one that was not does not', () => {
  let now = 0;
  const backoff = new Backoff(() => now);
  backoff.next();
  backoff.next();
  backoff.ready();
  now += limits.backoffResetMs - 1;
  expect(backoff.next()).toBe(500);
  backoff.ready();
  now += limits.backoffResetMs;
  expect(backoff.next()).toBe(0);
});
