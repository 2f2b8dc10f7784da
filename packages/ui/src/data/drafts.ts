// Drafts of layers as hooks. Others work on them too: they are asked for again whenever they are looked at.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Where } from '../api/configs.ts';
import { draftsApi } from '../api/drafts.ts';
import { limits } from '../limits.ts';
import { keys } from './keys.ts';
import { useServices } from './services.ts';

export function useDraftsApi() {
  const { api } = useServices();
  return useMemo(() => draftsApi(api), [api]);
}

/** Changed last first. */
export function useDrafts(where: Where | undefined) {
  const drafts = useDraftsApi();
  return useInfiniteQuery({
    queryKey: keys.drafts(where),
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => drafts.list(where, pageParam, signal),
    getNextPageParam: (last, pages) =>
      pages.length < limits.draftsPages ? last.next_cursor : null,
    staleTime: 0,
  });
}

export function useStoredDraft(id: string) {
  const drafts = useDraftsApi();
  return useQuery({
    queryKey: keys.draft(id),
    queryFn: ({ signal }) => drafts.one(id, signal),
    staleTime: 0,
  });
}
