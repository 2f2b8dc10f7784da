// Where events come from: topics that agents read, and the hosts in them.
import type { SourcesListResponse } from '@opmas/client';
import { limits } from '../limits.ts';
import type { SourcesFilter } from '../sources/filter.ts';
import type { Api } from './index.ts';

export type Source = SourcesListResponse['items'][number];

export function sourcesApi({ call }: Api) {
  return {
    /** The longest unheard first. */
    list: ({ silent, agent }: SourcesFilter, cursor: string | null, signal?: AbortSignal) =>
      call<SourcesListResponse>({
        path: '/sources',
        query: {
          limit: limits.sourcesPage,
          silent: silent ? 'true' : undefined,
          agent_id: agent,
          cursor: cursor ?? undefined,
        },
        signal,
      }),
  };
}
