/** Which name belongs to which agent id: what a message claims is checked against it. */
import { agentNames } from '../../features/agents/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../platform/ports.ts';

export interface Directory {
  /** Is `agentId` the living agent called `name`? Looks again, at most once a second, when unknown. */
  matches(agentId: string, name: string | undefined): Promise<boolean>;
  nameOf(agentId: string): string | undefined;
  /** The living agent called `name`, looked up anew when unknown. */
  idOf(name: string): Promise<string | undefined>;
  refresh(): Promise<void>;
}

const AGAIN_MS = 1_000;

export function createDirectory(database: Database, clock: Clock): Directory {
  let names = new Map<string, string>();
  let looked = Number.NEGATIVE_INFINITY;
  const refresh = async () => {
    looked = clock.monotonic();
    const rows = await agentNames(database.pool);
    names = new Map(rows.map((row) => [row.id, row.name]));
  };
  return {
    refresh,
    nameOf: (agentId) => names.get(agentId),
    idOf: async (name) => {
      const known = () => [...names].find(([, each]) => each === name)?.[0];
      if (known() === undefined && clock.monotonic() - looked > AGAIN_MS) await refresh();
      return known();
    },
    matches: async (agentId, name) => {
      if (name === undefined) return false;
      if (names.get(agentId) === name) return true;
      if (clock.monotonic() - looked > AGAIN_MS) await refresh();
      return names.get(agentId) === name;
    },
  };
}
