import { expect, test } from 'vitest';
import { fallbackOf } from './healthy.ts';

const said = (healthy: string | null, ...instances: (string | null)[]) => ({
  desired_hash: 'new',
  healthy_hash: healthy,
  healthy_version: healthy === null ? null : 3,
  instances: instances.map((healthy_hash) => ({ healthy_hash })),
});

test('says what an agent would fall back to, and when that is not known', () => {
  expect(fallbackOf(said('new', 'new'))).toEqual({ kind: 'current', hash: 'new' });
  expect(fallbackOf(said('old', 'old', 'old'))).toEqual({ kind: 'other', hash: 'old', version: 3 });
  expect(fallbackOf(said(null, null))).toEqual({ kind: 'none' });
  expect(fallbackOf(said(null))).toEqual({ kind: 'unheard' });
});

test('names none when instances differ, or when only one of them says', () => {
  expect(fallbackOf(said(null, 'old', 'new'))).toEqual({ kind: 'apart' });
  expect(fallbackOf(said(null, 'old', null))).toEqual({ kind: 'apart' });
});
