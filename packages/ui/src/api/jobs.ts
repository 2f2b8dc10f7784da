// Jobs: rollouts and actions on many agents, and what people do with them.
import type { JobsCreateData } from '@opmas/client';
import type { Job, JobAgent, JobOutcome } from '@opmas/protocol';
import type { JobsFilter } from '../jobs/search.ts';
import { limits } from '../limits.ts';
import type { Api, Page } from './index.ts';

export type JobBody = JobsCreateData['body'];

export function jobsApi({ call }: Api) {
  const path = (id: string) => `/jobs/${encodeURIComponent(id)}`;
  const move = (verb: 'pause' | 'resume' | 'retry') => (id: string) =>
    call<Job>({ method: 'POST', path: `${path(id)}/${verb}` });
  return {
    list: ({ state, kind }: JobsFilter, cursor: string | null, signal?: AbortSignal) =>
      call<Page<Job>>({
        path: '/jobs',
        query: { limit: limits.jobsPage, state, kind, cursor: cursor ?? undefined },
        signal,
      }),
    job: (id: string, signal?: AbortSignal) => call<Job>({ path: path(id), signal }),
    agents: (
      id: string,
      outcome: JobOutcome | undefined,
      cursor: string | null,
      signal?: AbortSignal,
    ) =>
      call<Page<JobAgent>>({
        path: `${path(id)}/agents`,
        query: { limit: limits.jobAgentsPage, outcome, cursor: cursor ?? undefined },
        signal,
      }),
    /** @param version of the layer that a rollout replaces: refused (412) when another is in force */
    start: ({ body, version }: { body: JobBody; version?: number | undefined }) =>
      call<Job>({ method: 'POST', path: '/jobs', body, ifMatch: version }),
    pause: move('pause'),
    resume: move('resume'),
    retry: move('retry'),
    /** @param rollback takes back what was changed; false leaves it as it is */
    cancel: ({ id, rollback }: { id: string; rollback: boolean }) =>
      call<Job>({
        method: 'POST',
        path: `${path(id)}/cancel`,
        query: rollback ? {} : { rollback: 'false' },
      }),
  };
}
