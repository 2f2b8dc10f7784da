// What the signed-in person may do, to show no more than that; the server decides in any case.
import type { Agent } from '@opmas/protocol';
import type { Grant, Me } from '../api/resources.ts';

/** Does `granted` (`agents:*`, `*:read`, `*`) cover `permission` (`agents:read`)? */
export function covers(granted: string, permission: string): boolean {
  if (granted === '*') return true;
  const [resource, action] = permission.split(':');
  const [grantedResource, grantedAction] = granted.split(':');
  return (
    (grantedResource === '*' || grantedResource === resource) &&
    (grantedAction === '*' || grantedAction === action)
  );
}

/** For all of OPMAS; a grant limited to some agents is none for users, roles, tokens and the audit log. */
export function mayEverywhere(me: Pick<Me, 'grants'> | undefined, permission: string): boolean {
  return (me?.grants ?? []).some(
    (grant) => grant.agents === undefined && covers(grant.permission, permission),
  );
}

/** For this agent: a grant without a limit, or one whose limits all choose it. */
export function mayFor(
  me: Pick<Me, 'grants'> | undefined,
  permission: string,
  agent: Pick<Agent, 'agent_id' | 'type' | 'tags'>,
): boolean {
  return (me?.grants ?? []).some(
    ({ permission: granted, agents }) =>
      covers(granted, permission) &&
      (agents === undefined ||
        ((agents.ids?.includes(agent.agent_id) ?? true) &&
          (agents.types?.includes(agent.type) ?? true) &&
          (agents.tags?.some((tag) => agent.tags.includes(tag)) ?? true))),
  );
}

/** For at least some agents. */
export function maySomewhere(me: Pick<Me, 'grants'> | undefined, permission: string): boolean {
  return (me?.grants ?? []).some((grant) => covers(grant.permission, permission));
}

/** `agents:control` of agents of type wifi with tag attic; empty when it holds for all. */
export function selectorParts({ agents }: Grant): { kind: 'ids' | 'types' | 'tags'; of: string }[] {
  return (['ids', 'types', 'tags'] as const).flatMap((kind) =>
    (agents?.[kind] ?? []).map((of) => ({ kind, of })),
  );
}
