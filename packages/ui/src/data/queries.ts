// The page's data as hooks: fetched once, then kept current by the feed.
import type { Agent } from '@opmas/protocol';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { type FindingsFilter, matchesFinding, toQuery } from '../findings/filter.ts';
import { limits } from '../limits.ts';
import { type FindingsPage, mergeAgents } from '../live/merge.ts';
import { addToToday, findingsIn } from './apply.ts';
import { keys } from './keys.ts';
import { useServices } from './services.ts';

export function useAgents() {
  const { api, live } = useServices();
  return useQuery<readonly Agent[]>({
    queryKey: keys.agents,
    // What the feed told while the answer was on its way must not be undone by it.
    queryFn: async ({ signal }) => {
      const mark = live.mark();
      const agents = await api.agents(signal);
      return mergeAgents(agents, live.since(mark));
    },
  });
}

export function usePackages() {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.packages,
    queryFn: ({ signal }) => api.packages(signal),
    refetchInterval: limits.packagesEveryMs,
  });
}

export function useFindings(filter: FindingsFilter) {
  const { api, live } = useServices();
  const key = plain(filter);
  return useInfiniteQuery({
    queryKey: keys.findings(key),
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }): Promise<FindingsPage> => {
      const mark = live.mark();
      const cursor = pageParam ?? undefined;
      const page = await api.findings({ ...toQuery(key), cursor }, signal);
      const items = page.items.filter((finding) => matchesSeverity(finding.severity, key));
      if (pageParam) return { ...page, items };
      const known = new Set(items.map((finding) => finding.finding_id));
      const late = findingsIn(live.since(mark)).filter(
        (finding) => !known.has(finding.finding_id) && matchesFinding(finding, key),
      );
      return { ...page, items: [...late.reverse(), ...items] };
    },
    getNextPageParam: (last, pages) =>
      pages.reduce((sum, page) => sum + page.items.length, 0) < limits.findingsKept
        ? last.next_cursor
        : null,
  });
}

/** The newest findings since `from`, at most `limits.findingsCounted`: enough for the tile. */
export function useFindingsToday(from: string) {
  const { api, live } = useServices();
  return useQuery({
    queryKey: keys.today(from),
    queryFn: async ({ signal }): Promise<FindingsPage> => {
      const mark = live.mark();
      const page = await api.findings({ from, limit: limits.findingsCounted }, signal);
      return addToToday(page, findingsIn(live.since(mark)), from);
    },
  });
}

export function useFinding(id: string | undefined) {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.finding(id ?? ''),
    queryFn: ({ signal }) => api.finding(id ?? '', signal),
    enabled: id !== undefined,
  });
}

function matchesSeverity(severity: string, { severity: wanted }: FindingsFilter): boolean {
  return !wanted || wanted.some((name) => name === severity);
}

/** Only what filters: which finding is open must not make another list. */
function plain({ severity, agent, q }: FindingsFilter): FindingsFilter {
  return { ...(severity ? { severity } : {}), ...(agent ? { agent } : {}), ...(q ? { q } : {}) };
}
