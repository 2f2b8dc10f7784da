// The names under which fetched data is kept; a prefix names everything below it.
import type { FindingsFilter } from '../findings/filter.ts';

export const keys = {
  agents: ['agents'] as const,
  packages: ['packages'] as const,
  setup: ['setup'] as const,
  findingsLists: ['findings', 'list'] as const,
  findings: (filter: FindingsFilter) => ['findings', 'list', filter] as const,
  findingsToday: ['findings', 'today'] as const,
  today: (from: string) => ['findings', 'today', from] as const,
  finding: (id: string) => ['findings', 'one', id] as const,
};
