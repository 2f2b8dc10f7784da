// Rules as hooks. Nothing tells the page of a hit: the list is asked for again while it is looked at.
import { useQuery } from '@tanstack/react-query';
import { rulesApi } from '../api/rules.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { limits } from '../limits.ts';

export function useRules(agent: string | undefined) {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.rules(agent),
    queryFn: ({ signal }) => rulesApi(api).list(agent, signal),
    // What was shown stays until the rules of another agent are here.
    placeholderData: (before) => before,
    refetchInterval: ({ state }) => {
      const pages = Math.ceil((state.data?.rules.length ?? 0) / limits.listPage);
      return limits.rulesEveryMs * Math.max(1, pages);
    },
  });
}

/** The rules as an agent runs them, whole. */
export function useRulesOf(agent: string | undefined) {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.rulesOf(agent ?? ''),
    queryFn: ({ signal }) => rulesApi(api).ofAgent(agent ?? '', signal),
    enabled: agent !== undefined,
  });
}
