// What the address of the sources says.
import { words } from '../lib/search.ts';
import { limits } from '../limits.ts';

export interface SourcesFilter {
  /** Only those that were heard regularly, and then no more. */
  silent?: '1';
  /** Id of the agent that reads them. */
  agent?: string;
}

export function readSourcesSearch(search: Record<string, unknown>): SourcesFilter {
  const agent = words(search['agent'], limits.idChars);
  return { ...(search['silent'] === '1' ? { silent: '1' } : {}), ...(agent ? { agent } : {}) };
}
