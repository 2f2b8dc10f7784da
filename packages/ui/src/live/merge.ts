// What feed messages do to the lists the page holds: pure, so that it can be tested without a page.
import type { Agent, FindingRecord } from '@opmas/protocol';
import type { LiveMessage } from './messages.ts';

/** The same array when nothing in it changes. An older status never overwrites a newer one. */
export function mergeAgents(
  agents: readonly Agent[],
  messages: readonly LiveMessage[],
): readonly Agent[] {
  const changed = new Map<string, Agent>();
  const known = new Map(agents.map((agent) => [agent.agent_id, agent]));
  for (const message of messages) {
    if (message.type === 'agent.status') {
      const before = changed.get(message.agent.agent_id) ?? known.get(message.agent.agent_id);
      if (before && before.updated_at > message.agent.updated_at) continue;
      changed.set(message.agent.agent_id, withLaterBeat(message.agent, before?.last_heartbeat));
    } else if (message.type === 'agent.heartbeat') {
      const before = changed.get(message.agent_id) ?? known.get(message.agent_id);
      if (before) changed.set(message.agent_id, withLaterBeat(before, message.timestamp));
    }
  }
  if (changed.size === 0) return agents;
  const merged = agents.map((agent) => changed.get(agent.agent_id) ?? agent);
  for (const [id, agent] of changed) if (!known.has(id)) merged.push(agent);
  return merged;
}

function withLaterBeat(agent: Agent, beat: string | null | undefined): Agent {
  if (!beat || (agent.last_heartbeat && Date.parse(agent.last_heartbeat) >= Date.parse(beat))) {
    return agent;
  }
  return { ...agent, last_heartbeat: beat };
}

export interface FindingsPage {
  items: FindingRecord[];
  next_cursor: string | null;
}

/** Newest recorded first; the id settles a tie, so that the order is the same everywhere. */
export function newestFirst(a: FindingRecord, b: FindingRecord): number {
  if (a.recorded_at !== b.recorded_at) return a.recorded_at < b.recorded_at ? 1 : -1;
  return a.finding_id < b.finding_id ? 1 : a.finding_id > b.finding_id ? -1 : 0;
}

/**
 * Puts arrived findings into pages that were fetched newest first: a known one is replaced where it stands, a
 * new one goes to the first page. Above `keep` the oldest are dropped and the last page says it is the end.
 */
export function mergeFindings(
  pages: readonly FindingsPage[],
  arrived: readonly FindingRecord[],
  keep: number,
): FindingsPage[] {
  const byId = new Map(arrived.map((finding) => [finding.finding_id, finding]));
  const replaced = pages.map((page) => ({
    ...page,
    items: page.items.map((finding) => {
      const next = byId.get(finding.finding_id);
      byId.delete(finding.finding_id);
      return next ?? finding;
    }),
  }));
  const fresh = [...byId.values()];
  const [first = { items: [], next_cursor: null }, ...older] = replaced;
  return trim([{ ...first, items: [...fresh, ...first.items].sort(newestFirst) }, ...older], keep);
}

function trim(pages: FindingsPage[], keep: number): FindingsPage[] {
  const kept: FindingsPage[] = [];
  let room = keep;
  for (const page of pages) {
    if (page.items.length > room) {
      kept.push({ items: page.items.slice(0, room), next_cursor: null });
      return kept;
    }
    kept.push(page);
    room -= page.items.length;
  }
  return kept;
}
