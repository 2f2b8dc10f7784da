// Jobs as hooks: kept current by the feed, and asked for again where it does not reach.
import type { Job, JobAgent, JobOutcome } from '@opmas/protocol';
import {
  keepPreviousData,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useEffect } from 'react';
import type { Page } from '../api/index.ts';
import { jobsApi } from '../api/jobs.ts';
import { jobsIn } from '../data/apply.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { limits } from '../limits.ts';
import { mergeJobs } from './merge.ts';
import { isOpen } from './model.ts';
import type { JobsFilter } from './search.ts';

export function useJobs(filter: JobsFilter) {
  const { api, live } = useServices();
  return useInfiniteQuery({
    queryKey: keys.jobsList(filter),
    initialPageParam: null as string | null,
    // What the feed told while the answer was on its way must not be undone by it.
    queryFn: async ({ pageParam, signal }): Promise<Page<Job>> => {
      const mark = live.mark();
      const page = await jobsApi(api).list(filter, pageParam, signal);
      if (pageParam !== null) return page;
      return jobsIn(live.since(mark)).reduce<Page<Job>>(
        (before, job) => mergeJobs([before], job, filter)[0] ?? before,
        page,
      );
    },
    getNextPageParam: (last, pages) => (pages.length < limits.jobsPages ? last.next_cursor : null),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) =>
      limits.jobsEveryMs * Math.max(1, data?.pages.length ?? 1),
  });
}

export function useJob(id: string) {
  const { api, live } = useServices();
  return useQuery({
    queryKey: keys.job(id),
    queryFn: async ({ signal }) => {
      const mark = live.mark();
      const job = await jobsApi(api).job(id, signal);
      return jobsIn(live.since(mark)).find(({ job_id }) => job_id === id) ?? job;
    },
    refetchInterval: ({ state: { data } }) => (data && isOpen(data) ? limits.jobEveryMs : false),
    staleTime: 0,
  });
}

/** Its agents follow its counts: they have no message of their own. */
export function useJobAgents(job: Job, outcome: JobOutcome | undefined) {
  const { api } = useServices();
  const queries = useQueryClient();
  const counts = JSON.stringify([job.counts, job.state]);
  useEffect(() => {
    // The counts named here are what the effect is for.
    void counts;
    const timer = setTimeout(
      () => void queries.invalidateQueries({ queryKey: keys.jobAgents(job.job_id).slice(0, 3) }),
      limits.jobAgentsMs,
    );
    return () => clearTimeout(timer);
  }, [queries, job.job_id, counts]);
  return useInfiniteQuery({
    queryKey: keys.jobAgents(job.job_id, outcome),
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }): Promise<Page<JobAgent>> =>
      jobsApi(api).agents(job.job_id, outcome, pageParam, signal),
    getNextPageParam: (last, pages) =>
      pages.length < limits.jobAgentsPages ? last.next_cursor : null,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) =>
      isOpen(job) ? limits.jobEveryMs * Math.max(1, data?.pages.length ?? 1) : false,
  });
}
