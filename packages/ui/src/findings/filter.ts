// The filter of the findings: in the address, sent to the server, and applied to what arrives.
import type { FindingRecord, Severity } from '@opmas/protocol';
import type { FindingsQuery } from '../api/index.ts';
import { chosen, words } from '../lib/search.ts';
import { limits } from '../limits.ts';

/** Worst first. */
export const SEVERITY_ORDER = [
  'critical',
  'error',
  'warning',
  'info',
] as const satisfies readonly Severity[];

export interface FindingsFilter {
  severity?: Severity[];
  agent?: string;
  q?: string;
}

export interface FindingsSearch extends FindingsFilter {
  /** The finding whose details are open. */
  finding?: string;
}

export function readFindingsSearch(search: Record<string, unknown>): FindingsSearch {
  const severity = chosen(search['severity'], SEVERITY_ORDER);
  const agent = words(search['agent'], 128);
  const q = words(search['q'], limits.filterChars);
  const finding = words(search['finding'], 128);
  return {
    ...(severity.length > 0 ? { severity } : {}),
    ...(agent ? { agent } : {}),
    ...(q ? { q } : {}),
    ...(finding ? { finding } : {}),
  };
}

/** The part of the filter that the server can do; `matchesFinding` does the rest. */
export function toQuery({ severity, agent, q }: FindingsFilter): FindingsQuery {
  return {
    agent_id: agent,
    severity: severity?.length === 1 ? severity[0] : undefined,
    q: q?.trim() || undefined,
  };
}

/** Does a finding that arrives belong in this list? The text is looked for where the server looks. */
export function matchesFinding(finding: FindingRecord, filter: FindingsFilter): boolean {
  if (filter.severity && !filter.severity.includes(finding.severity)) return false;
  if (filter.agent && finding.agent_id !== filter.agent) return false;
  const needle = filter.q?.trim().toLowerCase();
  return !needle || haystack(finding).includes(needle);
}

function haystack(finding: FindingRecord): string {
  const { description, type, agent_name, details } = finding;
  return [description, type, agent_name, JSON.stringify(details)].join('\n').toLowerCase();
}

/**
 * While the reader is further down, rows keep their place: what came after `topId` waits behind the pill.
 * @param topId the first row when the reader left the top; undefined at the top
 */
export function splitFresh(
  findings: readonly FindingRecord[],
  topId: string | undefined,
): { fresh: number; shown: readonly FindingRecord[] } {
  const at = topId ? findings.findIndex((finding) => finding.finding_id === topId) : 0;
  return at > 0 ? { fresh: at, shown: findings.slice(at) } : { fresh: 0, shown: findings };
}
