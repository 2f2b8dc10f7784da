/** Which state follows what judging found. */
import { expect, test } from 'vitest';
import { decide, type PackageState } from './package.ts';

const good = { digest: 'new', errors: [] };
const bad = { digest: null, errors: [{ code: 'x', message: 'x' }] };
const before = (state: PackageState, approved: string | null, agent: string | null = null) => ({
  state,
  digest: 'old',
  approved_digest: approved,
  agent_id: agent,
});

test.each([
  ['a new package, automatically', undefined, good, 'auto', 'valid', 'new'],
  ['a new package, by hand', undefined, good, 'manual', 'waiting', null],
  ['a bad new package', undefined, bad, 'auto', 'invalid', null],
  ['a new version, automatically', before('running', 'old', 'a'), good, 'auto', 'valid', 'new'],
  ['a new version, by hand', before('running', 'old', 'a'), good, 'manual', 'waiting', 'old'],
  ['a bad new version', before('running', 'old', 'a'), bad, 'auto', 'invalid', 'old'],
  ['back to what is approved', before('invalid', 'new', 'a'), good, 'manual', 'running', 'new'],
  ['approved, no agent yet', before('waiting', 'new'), good, 'manual', 'valid', 'new'],
  ['ignored, then changed', before('ignored', null), good, 'auto', 'ignored', null],
  ['ignored, then broken', before('ignored', null), bad, 'auto', 'ignored', null],
  [
    'a rejected version, then a newer one',
    before('ignored', 'older', 'a'),
    good,
    'manual',
    'waiting',
    'older',
  ],
] as const)('%s', (_, row, verdict, approval, state, approved) => {
  expect(decide(row, verdict, approval)).toEqual({ state, approved_digest: approved });
});

test('a rejected version stays rejected while the approved one goes on', () => {
  const row = { ...before('ignored', 'older', 'a'), digest: 'new' };
  expect(decide(row, good, 'auto')).toEqual({ state: 'ignored', approved_digest: 'older' });
});
