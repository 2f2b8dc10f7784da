// The fleet's filter: in the address, applied to the list, with counts for its chips.
import type { Agent } from '@opmas/protocol';
import { chosen, words } from '../lib/search.ts';
import { limits } from '../limits.ts';
import { text } from '../text.ts';
import { GROUPS, type Group, type Standing, standing } from './standing.ts';

export interface FleetFilter {
  q?: string;
  status?: Group[];
}

export interface FleetRow {
  agent: Agent;
  standing: Standing;
}

/** Of a search part of any content; what is not understood is left out. */
export function readFleetFilter(search: Record<string, unknown>): FleetFilter {
  const q = words(search['q'], limits.filterChars);
  const status = chosen(search['status'], GROUPS);
  return { ...(q ? { q } : {}), ...(status.length > 0 ? { status } : {}) };
}

const COLLATOR = new Intl.Collator(undefined, { numeric: true });

/** Worst first, then by name. */
export function fleetRows(agents: readonly Agent[]): FleetRow[] {
  return agents
    .map((agent) => ({ agent, standing: standing(agent) }))
    .sort(
      (a, b) => b.standing.rank - a.standing.rank || COLLATOR.compare(a.agent.name, b.agent.name),
    );
}

/** Removed agents show only when asked for. */
export function filterFleet(rows: readonly FleetRow[], { q, status }: FleetFilter): FleetRow[] {
  const needle = q?.trim().toLowerCase();
  return rows.filter(
    (row) =>
      (status ? status.includes(row.standing.group) : row.standing.group !== 'removed') &&
      (!needle || haystack(row).includes(needle)),
  );
}

export function countGroups(rows: readonly FleetRow[]): Record<Group, number> {
  const counts = { attention: 0, running: 0, starting: 0, stopped: 0, removed: 0 };
  for (const row of rows) counts[row.standing.group] += 1;
  return counts;
}

function haystack({ agent, standing }: FleetRow): string {
  const parts = [agent.name, agent.agent_id, agent.type, agent.version, text.status[standing.key]];
  return [...parts, standing.reason ?? '', ...agent.tags].join('\n').toLowerCase();
}
