// Configurations and groups as hooks. A change of what an agent is told shows by its hash in the feed.
import {
  keepPreviousData,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useMemo } from 'react';
import { configsApi, type DeliveryState, type Where } from '../api/configs.ts';
import { groupsApi } from '../api/groups.ts';
import { limits } from '../limits.ts';
import { keys } from './keys.ts';
import { useAgents } from './queries.ts';
import { useServices } from './services.ts';

export function useConfigs() {
  const { api } = useServices();
  return useMemo(() => ({ ...configsApi(api), ...groupsApi(api) }), [api]);
}

export function useAgent(id: string) {
  return useAgents().data?.find((agent) => agent.agent_id === id);
}

/** @param hash of what the agent shall run, as the feed last told it: another one is asked for anew */
export function useEffective(agentId: string, hash: string | null | undefined) {
  const configs = useConfigs();
  return useQuery({
    queryKey: keys.effective(agentId, hash ?? ''),
    queryFn: ({ signal }) => configs.effective(agentId, signal),
    placeholderData: keepPreviousData,
  });
}

export function useLayer(where: Where) {
  const configs = useConfigs();
  return useQuery({
    queryKey: keys.layer(where),
    queryFn: ({ signal }) => configs.layer(where, signal),
    staleTime: 0,
  });
}

export function useHistory(where: Where, isEnabled = true) {
  const configs = useConfigs();
  return useInfiniteQuery({
    queryKey: keys.history(where),
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => configs.history(where, pageParam, signal),
    getNextPageParam: (last, pages) =>
      pages.length < limits.versionsPages ? last.next_cursor : null,
    staleTime: 0,
    enabled: isEnabled,
  });
}

export function useDiff(where: Where, from: number, to: number) {
  const configs = useConfigs();
  return useQuery({
    queryKey: keys.diff(where, from, to),
    queryFn: ({ signal }) => configs.diff(where, from, to, signal),
    enabled: from !== to,
    // Versions never change.
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function useRuntime(agentId: string, isEnabled: boolean) {
  const configs = useConfigs();
  return useQuery({
    queryKey: keys.runtime(agentId),
    queryFn: ({ signal }) => configs.runtime(agentId, signal),
    enabled: isEnabled,
    // It ends by itself.
    refetchInterval: limits.deliveriesEveryMs,
    staleTime: 0,
  });
}

export function useDeliveries(state: DeliveryState | undefined) {
  const configs = useConfigs();
  return useInfiniteQuery({
    queryKey: keys.deliveries(state ?? ''),
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => configs.deliveries(state, pageParam, signal),
    getNextPageParam: (last, pages) =>
      pages.length < limits.deliveriesPages ? last.next_cursor : null,
    placeholderData: keepPreviousData,
    // Every page is asked for again: only the first few keep themselves current.
    refetchInterval: ({ state: { data } }) =>
      (data?.pages.length ?? 0) <= limits.deliveriesPagesLive ? limits.deliveriesEveryMs : false,
  });
}

export function useDelivery(agentId: string) {
  const configs = useConfigs();
  return useQuery({
    queryKey: keys.delivery(agentId),
    queryFn: ({ signal }) => configs.delivery(agentId, signal),
    refetchInterval: limits.deliveriesEveryMs,
  });
}

export function useGroups(isEnabled = true) {
  const configs = useConfigs();
  return useQuery({
    queryKey: keys.groups,
    queryFn: ({ signal }) => configs.groups(signal),
    enabled: isEnabled,
  });
}

export function useGroup(name: string) {
  const configs = useConfigs();
  return useQuery({
    queryKey: keys.group(name),
    queryFn: ({ signal }) => configs.group(name, signal),
  });
}

/** Asks again for a layer and its history: another version of it was heard of. */
export function useLookAgain(where: Where): () => void {
  const queries = useQueryClient();
  return () => {
    for (const queryKey of [keys.layer(where), keys.history(where)]) {
      void queries.invalidateQueries({ queryKey });
    }
  };
}
