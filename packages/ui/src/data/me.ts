// Who is signed in, as a hook.
import type { Agent } from '@opmas/protocol';
import { useSyncExternalStore } from 'react';
import type { Me } from '../api/resources.ts';
import { mayEverywhere, mayFor } from '../lib/grants.ts';
import { useServices } from './services.ts';

export function useMe(): Me | undefined {
  const { session } = useServices();
  const state = useSyncExternalStore(session.subscribe, session.state);
  return state.phase === 'in' ? state.identity : undefined;
}

export function useMay(permission: string): boolean {
  return mayEverywhere(useMe(), permission);
}

/** For this agent; while it is not known, only when it holds for all. */
export function useMayFor(
  permission: string,
  agent: Pick<Agent, 'agent_id' | 'type' | 'tags'> | undefined,
): boolean {
  const me = useMe();
  return agent === undefined ? mayEverywhere(me, permission) : mayFor(me, permission, agent);
}
