// Times must read right at their edges.
import { expect, test } from 'vitest';
import { relative, shortTime, startOfToday } from './time.ts';

const now = Date.parse('2026-11-21T09:00:00.000Z');
const ago = (seconds: number) => relative(new Date(now - seconds * 1000).toISOString(), now);

test.each([
  [0, 'just now'],
  [4, 'just now'],
  [5, '5 s ago'],
  [59, '59 s ago'],
  [60, '1 min ago'],
  [3_599, '59 min ago'],
  [3_600, '1 h ago'],
  [172_799, '47 h ago'],
  [172_800, '2 d ago'],
])('%d seconds ago reads "%s"', (seconds, words) => {
  expect(ago(seconds)).toBe(words);
});

test('a clock a little ahead is "just now", one far ahead is told', () => {
  expect(ago(-5)).toBe('just now');
  expect(ago(-120)).toBe('in 2 min');
});

test('what is no time says so instead of NaN', () => {
  expect(relative('soon', now)).toBe('unknown');
  expect(shortTime('soon', now)).toBe('soon');
});

test('only another day shows its date', () => {
  const noon = new Date(2026, 10, 21, 12).getTime();
  const same = shortTime(new Date(2026, 10, 21, 8, 5, 9).toISOString(), noon);
  const other = shortTime(new Date(2026, 10, 20, 8, 5, 9).toISOString(), noon);
  expect(other.endsWith(same)).toBe(true);
  expect(other.length).toBeGreaterThan(same.length);
});

test('today begins at local midnight', () => {
  const start = new Date(startOfToday(new Date(2026, 10, 21, 12, 30).getTime()));
  expect([start.getDate(), start.getHours(), start.getMinutes()]).toEqual([21, 0, 0]);
});
