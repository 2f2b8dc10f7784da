/** What was given back is remembered as long as it may come again, and no longer. */
import { expect, it } from 'vitest';
import { Unsettled } from './unsettled.ts';

const RESEND_MS = 1_000;

it('forgets what cannot come again though nobody asks: another instance has it', () => {
  const unsettled = new Unsettled(RESEND_MS);
  for (let seq = 1; seq <= 10_000; seq += 1) {
    unsettled.take(seq);
    unsettled.giveBack(seq, 500, seq * 10);
  }
  expect(unsettled.size).toBe(150);
  expect(unsettled.givenBack(100_000)).toBe(150);
  expect(unsettled.givenBack(101_500)).toBe(0);
});

it('remembers for longer what was given back for longer, also again', () => {
  const unsettled = new Unsettled(RESEND_MS);
  unsettled.giveBack(1, 0, 0);
  unsettled.giveBack(2, 9_000, 0);
  unsettled.giveBack(1, 0, 5_000);
  expect(unsettled.givenBack(5_500)).toBe(2);
  expect(unsettled.givenBack(7_000)).toBe(1);
  unsettled.take(2);
  expect([unsettled.givenBack(7_000), unsettled.size]).toEqual([0, 1]);
  unsettled.settle(2);
  expect(unsettled.size).toBe(0);
});
