// Keeps an unstarted rollout of each layer while other screens are looked at; it is gone with the session.
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { LayerHead, Where } from '../api/configs.ts';
import { keys } from '../data/keys.ts';
import { limits } from '../limits.ts';
import { newPlan, type PlanInput } from './plan.ts';

const WATCH_SECONDS = 30;

export interface RolloutDraft {
  /** What is typed, and the version it was made from; absent: what is in force. */
  begun?: { text: string; base: LayerHead } | undefined;
  reason: string;
  plan: PlanInput;
}

type Kept = readonly (readonly [scope: string, draft: RolloutDraft])[];

const fresh = (): RolloutDraft => ({ reason: '', plan: newPlan('rollback', WATCH_SECONDS) });

/** `fleet`, `group:berlin`; undefined for what is not rolled out in waves. */
export function scopeOf(where: Where): string | undefined {
  if (where.kind === 'fleet') return where.kind;
  return where.kind === 'group' ? `group:${where.name}` : undefined;
}

export function whereOf(scope: string): Where {
  return scope === 'fleet'
    ? { kind: 'fleet' }
    : { kind: 'group', name: scope.slice('group:'.length) };
}

/** Of one layer only the last is kept, and of all only the newest `limits.rolloutDrafts`. */
export function withDraft(kept: Kept, scope: string, draft: RolloutDraft | undefined): Kept {
  const others = kept.filter(([each]) => each !== scope);
  return draft ? [...others, [scope, draft] as const].slice(-limits.rolloutDrafts) : others;
}

/**
 * One screen at a time, made anew for another scope. What is typed is held by it, and kept beside it for later.
 * @param scope or what else is rolled out, by a name of its own
 * @param reason that it begins with
 */
export function useRolloutDraft(scope: string, reason = '') {
  const queries = useQueryClient();
  const [draft, setDraft] = useState(
    () => keptIn(queries).find(([each]) => each === scope)?.[1] ?? { ...fresh(), reason },
  );
  return {
    draft,
    change: (next: Partial<RolloutDraft>) => {
      const after = { ...draft, ...next };
      setDraft(after);
      keep(queries, scope, after);
    },
    /** It was started. */
    forget: () => keep(queries, scope, undefined),
  };
}

function keptIn(queries: QueryClient): Kept {
  return queries.getQueryData<Kept>(keys.rolloutDrafts) ?? [];
}

function keep(queries: QueryClient, scope: string, draft: RolloutDraft | undefined): void {
  queries.setQueryDefaults(keys.rolloutDrafts, { gcTime: Number.POSITIVE_INFINITY });
  queries.setQueryData<Kept>(keys.rolloutDrafts, withDraft(keptIn(queries), scope, draft));
}

/** Goes on with a rollout what was begun elsewhere: nothing of it is lost on the way. */
export function useToRollout() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return (
    scope: string,
    { back, ...begun }: Pick<RolloutDraft, 'begun' | 'reason'> & { back?: number | undefined },
  ) => {
    keep(queries, scope, { ...fresh(), ...begun });
    const search = { scope, ...(back === undefined ? {} : { back: String(back) }) };
    void navigate({ to: '/jobs/new', search, ignoreBlocker: true });
  };
}
