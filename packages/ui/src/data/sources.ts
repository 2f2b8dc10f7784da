// Sources of events as a hook: they have no feed of their own.
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { sourcesApi } from '../api/sources.ts';
import { limits } from '../limits.ts';
import type { SourcesFilter } from '../sources/filter.ts';
import { keys } from './keys.ts';
import { useServices } from './services.ts';

export function useSources(filter: SourcesFilter, isEnabled = true) {
  const { api } = useServices();
  return useInfiniteQuery({
    queryKey: keys.sources(filter),
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => sourcesApi(api).list(filter, pageParam, signal),
    getNextPageParam: (last, pages) =>
      pages.length < limits.sourcesPages ? last.next_cursor : null,
    placeholderData: keepPreviousData,
    enabled: isEnabled,
    // Every page is asked for again: only the first few keep themselves current.
    refetchInterval: ({ state: { data } }) =>
      (data?.pages.length ?? 0) <= limits.sourcesPagesLive ? limits.sourcesEveryMs : false,
  });
}
