// Of unstarted rollouts the newest are kept, one of each layer.
import { expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { newPlan } from './plan.ts';
import { scopeOf, whereOf, withDraft } from './rollout-draft.ts';

const draft = (reason: string) => ({ reason, plan: newPlan('rollback', 30) });
type Kept = Parameters<typeof withDraft>[0];

test('one of each layer is kept, and of all only the newest', () => {
  let kept: Kept = [];
  for (let n = 0; n < limits.rolloutDrafts + 3; n += 1) {
    kept = withDraft(kept, `group:g${n}`, draft(`${n}`));
  }
  kept = withDraft(kept, 'group:g5', draft('again'));
  expect(kept).toHaveLength(limits.rolloutDrafts);
  expect(kept.at(-1)).toEqual(['group:g5', draft('again')]);
  expect(kept.filter(([scope]) => scope === 'group:g5')).toHaveLength(1);
  expect(kept.some(([scope]) => scope === 'group:g0')).toBe(false);
  expect(withDraft(kept, 'group:g5', undefined)).toHaveLength(limits.rolloutDrafts - 1);
});

test('the layers that can be rolled out have a scope, and the others none', () => {
  for (const where of [{ kind: 'fleet' }, { kind: 'group', name: 'berlin' }] as const) {
    expect(whereOf(scopeOf(where) ?? '')).toEqual(where);
  }
  expect(scopeOf({ kind: 'agent', name: 'a' })).toBeUndefined();
  expect(scopeOf({ kind: 'environment', name: 'staging' })).toBeUndefined();
});
