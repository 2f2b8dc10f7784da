// What a job's message does to the lists of jobs the page holds: pure, so that it can be tested without a page.
import type { Job } from '@opmas/protocol';
import type { InfiniteData } from '@tanstack/react-query';
import type { Page } from '../api/index.ts';
import type { JobsFilter } from './search.ts';

export type JobsList = InfiniteData<Page<Job>, string | null>;

export function matchesJob(job: Job, { state, kind }: JobsFilter): boolean {
  return (!state || job.state === state) && (!kind || job.kind === kind);
}

/** A known job is replaced where it stands, or leaves when it no longer matches; a new one comes first. */
export function mergeJobs(pages: readonly Page<Job>[], job: Job, filter: JobsFilter): Page<Job>[] {
  const isKnown = pages.some(({ items }) => items.some(({ job_id }) => job_id === job.job_id));
  const isMatch = matchesJob(job, filter);
  if (isKnown) {
    return pages.map((page) => ({
      ...page,
      items: page.items.flatMap((each) =>
        each.job_id === job.job_id ? (isMatch ? [job] : []) : [each],
      ),
    }));
  }
  const [first, ...older] = pages;
  if (!isMatch || first === undefined || isOlderThanShown(job, pages)) return [...pages];
  const items = [job, ...first.items].sort(newestFirst);
  return [{ ...first, items }, ...older];
}

/** It belongs to a page that was not asked for yet. */
function isOlderThanShown(job: Job, pages: readonly Page<Job>[]): boolean {
  const last = pages.at(-1);
  const oldest = last?.items.at(-1);
  return (
    typeof last?.next_cursor === 'string' && oldest !== undefined && newestFirst(job, oldest) > 0
  );
}

function newestFirst(a: Job, b: Job): number {
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? 1 : -1;
  return a.job_id < b.job_id ? 1 : -1;
}
