// Starts what was typed as a job, and leads to it.
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { StoredDraft } from '../api/drafts.ts';
import { ApiError } from '../api/http.ts';
import { type JobBody, jobsApi } from '../api/jobs.ts';
import { useChange } from '../data/access.ts';
import { useLookAgain } from '../data/configs.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { type PlanFaults, readPlan } from './plan.ts';
import { useRolloutDraft, whereOf } from './rollout-draft.ts';

type What = Pick<JobBody, 'kind' | 'document' | 'version'>;

/** @param scope whose kept plan and reason go with it; they are forgotten once it runs */
export function useStart(scope: string) {
  const lookAgain = useLookAgain(whereOf(scope));
  const { start, ...rest } = useStarting(scope, '', lookAgain);
  return {
    ...rest,
    /** @param version in force, as it was seen: refused when it is another one by now */
    start: (what: What, version: number) => start({ ...what, scope }, version),
  };
}

/** The same of a stored draft, as it was seen. */
export function useStartDraft({ draft_id, version, reason }: StoredDraft) {
  const queries = useQueryClient();
  const { start, ...rest } = useStarting(
    `draft:${draft_id}`,
    reason ?? '',
    () => void queries.invalidateQueries({ queryKey: keys.draft(draft_id) }),
  );
  return { ...rest, start: () => start({ kind: 'rollout', draft_id, draft_version: version }) };
}

/** @param lookAgain something else is there than was seen */
function useStarting(kept: string, because: string, lookAgain: () => void) {
  const { api } = useServices();
  const navigate = useNavigate();
  const { draft, change, forget } = useRolloutDraft(kept, because);
  const [faults, setFaults] = useState<PlanFaults>({});
  const start = useChange(jobsApi(api).start, [keys.jobs, keys.configs], (job) => {
    forget();
    void navigate({ to: '/jobs/$job', params: { job: job.job_id }, search: {} });
  });
  return {
    draft,
    change,
    faults,
    error: start.error,
    isPending: start.isPending,
    isDone: start.isSuccess,
    reset: start.reset,
    start: (
      what: What & Pick<JobBody, 'scope' | 'draft_id' | 'draft_version'>,
      version?: number,
    ) => {
      const read = readPlan(draft.plan);
      setFaults(read.ok ? {} : read.faults);
      if (!read.ok) return;
      const reason = draft.reason.trim();
      const body = { ...what, ...(reason ? { reason } : {}), ...read.plan };
      start.mutate(
        { body, version },
        {
          onError: (error) =>
            error instanceof ApiError && [409, 412].includes(error.status) && lookAgain(),
        },
      );
    },
  };
}
