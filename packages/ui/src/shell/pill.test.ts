// The pill must not call old data live.
import { expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { pillOf } from './pill.ts';

test('a short break is "reconnecting", a long one "stale since"', () => {
  const since = 1_000;
  expect(pillOf({ kind: 'live' }, 9e9).kind).toBe('live');
  expect(pillOf({ kind: 'reconnecting', since }, since + limits.staleAfterMs - 1).kind).toBe(
    'reconnecting',
  );
  expect(pillOf({ kind: 'reconnecting', since }, since + limits.staleAfterMs)).toEqual({
    kind: 'stale',
    since,
  });
});
