// Applies feed messages to everything the page holds.
import type { Agent, FindingRecord, Job } from '@opmas/protocol';
import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import { type FindingsFilter, matchesFinding } from '../findings/filter.ts';
import { type JobsList, mergeJobs } from '../jobs/merge.ts';
import type { JobsFilter } from '../jobs/search.ts';
import { limits } from '../limits.ts';
import { type FindingsPage, mergeAgents, mergeFindings } from '../live/merge.ts';
import type { LiveMessage } from '../live/messages.ts';
import { keys } from './keys.ts';

export type FindingsList = InfiniteData<FindingsPage, string | null>;

export function applyMessages(queries: QueryClient, messages: readonly LiveMessage[]): void {
  queries.setQueryData<readonly Agent[]>(keys.agents, (agents) =>
    agents ? mergeAgents(agents, messages) : undefined,
  );
  for (const job of jobsIn(messages)) applyJob(queries, job);
  const arrived = findingsIn(messages);
  if (arrived.length === 0) return;
  for (const { queryKey } of queries.getQueryCache().findAll({ queryKey: keys.findingsLists })) {
    const filter = filterOf(queryKey);
    queries.setQueryData<FindingsList>(
      queryKey,
      (list) => list && addToList(list, arrived, filter),
    );
  }
  for (const { queryKey } of queries.getQueryCache().findAll({ queryKey: keys.findingsToday })) {
    const from = String(queryKey[2]);
    queries.setQueryData<FindingsPage>(queryKey, (page) => page && addToToday(page, arrived, from));
  }
  for (const finding of arrived) {
    const key = keys.finding(finding.finding_id);
    queries.setQueryData<FindingRecord>(key, (known) => known && finding);
  }
}

function applyJob(queries: QueryClient, job: Job): void {
  queries.setQueryData<Job>(keys.job(job.job_id), (known) => known && job);
  for (const { queryKey } of queries.getQueryCache().findAll({ queryKey: keys.jobsLists })) {
    // The key was made by `keys.jobsList`: its third part is the filter.
    const filter = queryKey[2] as JobsFilter;
    queries.setQueryData<JobsList>(
      queryKey,
      (list) => list && { ...list, pages: mergeJobs(list.pages, job, filter) },
    );
  }
}

/** Of each job only the last word. */
export function jobsIn(messages: readonly LiveMessage[]): Job[] {
  const last = new Map<string, Job>();
  for (const message of messages) {
    if (message.type === 'job') last.set(message.job.job_id, message.job);
  }
  return [...last.values()];
}

export function findingsIn(messages: readonly LiveMessage[]): FindingRecord[] {
  return messages.flatMap((message) => (message.type === 'finding' ? [message.finding] : []));
}

export function addToList(
  list: FindingsList,
  arrived: readonly FindingRecord[],
  filter: FindingsFilter,
): FindingsList {
  const matching = arrived.filter((finding) => matchesFinding(finding, filter));
  if (matching.length === 0) return list;
  const pages = mergeFindings(list.pages, matching, limits.findingsKept);
  return { pages, pageParams: list.pageParams.slice(0, pages.length) };
}

export function addToToday(
  page: FindingsPage,
  arrived: readonly FindingRecord[],
  from: string,
): FindingsPage {
  const start = Date.parse(from);
  const todays = arrived.filter((finding) => Date.parse(finding.timestamp) >= start);
  return todays.length > 0
    ? (mergeFindings([page], todays, limits.findingsCounted)[0] ?? page)
    : page;
}

/** The key was made by `keys.findings`: its third part is the filter. */
function filterOf(queryKey: readonly unknown[]): FindingsFilter {
  return queryKey[2] as FindingsFilter;
}
