/** What may be granted, to whom it reaches, and the one question everybody asks: may this be done? */

/** Every permission there is, with what it allows. An operation that names another does not compile. */
export const PERMISSIONS = {
  'agents:read': 'see agents, their health, metrics, logs and events',
  'agents:write': 'change description, tags, limits and what shall run',
  'agents:control': 'start, stop and restart agents, revoke their credentials',
  'agents:delete': 'remove agents',
  'alerts:read': 'see alerts',
  'audit:erase': 'erase a person’s data from the audit log',
  'audit:read': 'read, verify and export the audit log',
  'configs:read': 'see configurations, their history and their origins',
  'configs:write': 'change, validate and roll back configurations',
  'events:write': 'send events',
  'findings:read': 'see findings',
  'findings:write': 'acknowledge, resolve, mute and assign findings',
  'groups:read': 'see groups of agents',
  'groups:write': 'make, change and delete groups of agents',
  'jobs:read': 'see jobs',
  'jobs:write': 'start, pause, resume and cancel jobs: rollouts, and actions on many agents',
  'packages:approve': 'approve and reject agent packages, look for new ones',
  'packages:read': 'see what discovery found',
  'publishers:read': 'see the keys that packages may be signed with',
  'publishers:write': 'trust and distrust publishers’ keys',
  'roles:read': 'see roles and what they grant',
  'roles:write': 'make, change and delete roles',
  'secrets:rotate': 'change the master key and the signing keys',
  'tokens:create': 'make API tokens and enrollment tokens, with no more than one’s own rights',
  'tokens:read': 'see tokens (never their text)',
  'tokens:revoke': 'revoke tokens',
  'users:read': 'see users and their sessions',
  'users:write': 'make, change and delete users, end their sessions',
} as const;

export type Permission = keyof typeof PERMISSIONS;

/** Which agents; every list that is given must agree: one of these ids, of these types, with one of these tags. */
export interface AgentSelector {
  ids?: readonly string[];
  types?: readonly string[];
  tags?: readonly string[];
}

/** `agents:read`, `agents:*`, `*:read` or `*`; without `agents` it holds for all of OPMAS. */
export interface Grant {
  permission: string;
  agents?: AgentSelector;
}

/** The agents a caller reaches with one permission: all of them, or those any selector chooses. */
export type Reach = 'all' | readonly AgentSelector[];

/** What selectors look at. */
export interface AgentFacts {
  id: string;
  type: string;
  tags: readonly string[];
}

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

/** Everything not granted is denied: `undefined` when no grant covers the permission anywhere. */
export function reachOf(grants: readonly Grant[], permission: string): Reach | undefined {
  const selectors: AgentSelector[] = [];
  for (const grant of grants) {
    if (!covers(grant.permission, permission)) continue;
    if (grant.agents === undefined) return 'all';
    selectors.push(grant.agents);
  }
  return selectors.length === 0 ? undefined : selectors;
}

/** Is the agent within reach? */
export function reaches(reach: Reach, agent: AgentFacts): boolean {
  return reach === 'all' || reach.some((selector) => selects(selector, agent));
}

function selects({ ids, types, tags }: AgentSelector, agent: AgentFacts): boolean {
  return (
    (ids === undefined || ids.includes(agent.id)) &&
    (types === undefined || types.includes(agent.type)) &&
    (tags === undefined || tags.some((tag) => agent.tags.includes(tag)))
  );
}

/**
 * Is everything in `asked` also in `held`? Nobody can hand on more than they have. A limited grant must be
 * held as it is, or without its limit.
 */
export function isWithin(asked: readonly Grant[], held: readonly Grant[]): boolean {
  return asked.every((grant) =>
    held.some(
      (own) =>
        isWithinPermission(grant.permission, own.permission) &&
        (own.agents === undefined || sameSelector(own.agents, grant.agents)),
    ),
  );
}

function isWithinPermission(asked: string, held: string): boolean {
  if (held === '*' || asked === held) return true;
  if (asked === '*') return false;
  const [resource, action] = asked.split(':');
  const [heldResource, heldAction] = held.split(':');
  return (
    (heldResource === '*' || heldResource === resource) &&
    (heldAction === '*' || heldAction === action)
  );
}

function sameSelector(held: AgentSelector, asked: AgentSelector | undefined): boolean {
  if (asked === undefined) return false;
  return (['ids', 'types', 'tags'] as const).every((list) => {
    const limit = held[list];
    const wanted = asked[list];
    return limit === undefined || (wanted?.every((item) => limit.includes(item)) ?? false);
  });
}
