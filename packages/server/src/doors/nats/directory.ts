/** Which name belongs to which agent id: what a message claims is checked against it. */
import { agentNames } from '../../features/agents/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import type { Database } from '../../platform/ports.ts';

export interface Directory {
  /**
   * Is `agentId` the agent called `name`? `gone`: it was, and has been removed. An id that is not known is
   * looked up, at most once a second for what comes under one name.
   */
  check(agentId: string, name: string | undefined): Promise<'own' | 'gone' | 'foreign'>;
  /** The living agent called `name`, looked up anew when unknown. */
  idOf(name: string): Promise<string | undefined>;
  refresh(): Promise<void>;
}

const AGAIN_MS = 1_000;

interface Known {
  name: string;
  isGone: boolean;
}

export function createDirectory(database: Database, clock: Clock): Directory {
  let agents = new Map<string, Known>();
  let looked = Number.NEGATIVE_INFINITY;
  /** When a message under a name last claimed an id nobody has, monotonic. */
  const missed = new Map<string, number>();
  let looking: Promise<void> | undefined;

  const refresh = async () => {
    looked = clock.monotonic();
    const rows = await agentNames(database.pool);
    agents = new Map(
      rows.map(({ id, name, status }) => [id, { name, isGone: status === 'removed' }]),
    );
  };
  /** One look for all who want one; begun after the call, or they would miss what they look for. */
  const look = async () => {
    await looking;
    looking ??= refresh().finally(() => {
      looking = undefined;
    });
    await looking;
  };
  const remember = (name: string) => {
    missed.delete(name);
    if (missed.size >= limits.slotsRemembered) {
      const oldest = missed.keys().next();
      if (!oldest.done) missed.delete(oldest.value);
    }
    missed.set(name, clock.monotonic());
  };

  return {
    refresh,
    idOf: async (name) => {
      const known = () => [...agents].find(([, each]) => each.name === name && !each.isGone)?.[0];
      if (known() === undefined && clock.monotonic() - looked > AGAIN_MS) await look();
      return known();
    },
    check: async (agentId, name) => {
      if (name === undefined) return 'foreign';
      if (!agents.has(agentId)) {
        const last = missed.get(name) ?? Number.NEGATIVE_INFINITY;
        if (clock.monotonic() - last < AGAIN_MS) return 'foreign';
        await look();
      }
      const known = agents.get(agentId);
      if (known === undefined) remember(name);
      if (known?.name !== name) return 'foreign';
      if (!known.isGone) return 'own';
      // The same package gets its identity back: what is remembered may be of before.
      if (clock.monotonic() - looked > AGAIN_MS) await look();
      return agents.get(agentId)?.isGone === false ? 'own' : 'gone';
    },
  };
}
