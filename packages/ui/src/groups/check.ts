// Asks the server what a selector that is typed would do: who is told something else, and whom it would not fit.
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import type { GroupTrial, GroupVerdict } from '../api/groups.ts';
import { useConfigs } from '../data/configs.ts';
import { keys } from '../data/keys.ts';
import { limits } from '../limits.ts';

export interface GroupCheck {
  /** The server's word on exactly this; undefined while it is asked, or need not be. */
  answer: GroupVerdict | undefined;
  /** The server could not be asked, or refused to answer. */
  error: unknown;
  isChecking: boolean;
  again: () => void;
}

/** @param trial undefined: there is nothing to ask about, or it cannot be read */
export function useGroupCheck(trial: GroupTrial | undefined): GroupCheck {
  const configs = useConfigs();
  const text = trial === undefined ? '' : JSON.stringify(trial);
  const [rested] = useDebouncedValue(text, limits.checkAfterMs);
  const isAsked = trial !== undefined && rested === text;
  const query = useQuery({
    queryKey: keys.groupCheck(rested),
    queryFn: ({ signal }) => configs.tryGroup(JSON.parse(rested) as GroupTrial, signal),
    enabled: isAsked,
    // Others write too.
    staleTime: 0,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
  return {
    answer: isAsked ? query.data : undefined,
    error: isAsked ? query.error : null,
    isChecking: trial !== undefined && (!isAsked || query.isFetching),
    again: () => void query.refetch(),
  };
}
