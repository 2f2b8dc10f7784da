// Whom a selector chooses among the agents the page knows, by the same grammar as the server's.
import { type Agent, matchesSelector, readSelector } from '@opmas/protocol';

export type Reach =
  | { ok: true; agents: readonly Agent[] }
  | { ok: false; message: string; at: number };

/** Removed agents are in no group. An empty selector is unreadable, and not worth a word while one types. */
export function reachOf(selector: string, agents: readonly Agent[]): Reach {
  const reading = readSelector(selector);
  if (!reading.ok) return { ok: false, message: reading.message, at: reading.at + 1 };
  return {
    ok: true,
    agents: agents
      .filter(
        (agent) =>
          agent.status !== 'removed' &&
          matchesSelector(reading.selector, { ...agent, id: agent.agent_id }),
      )
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  };
}

export interface Moves {
  joins: readonly Agent[];
  leaves: readonly Agent[];
  stays: readonly Agent[];
}

/** Who comes in and who goes out when the selector changes. */
export function movesOf(before: readonly Agent[], after: readonly Agent[]): Moves {
  const was = new Set(before.map(({ agent_id }) => agent_id));
  const is = new Set(after.map(({ agent_id }) => agent_id));
  return {
    joins: after.filter(({ agent_id }) => !was.has(agent_id)),
    leaves: before.filter(({ agent_id }) => !is.has(agent_id)),
    stays: after.filter(({ agent_id }) => was.has(agent_id)),
  };
}
