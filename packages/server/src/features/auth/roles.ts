/** Built-in roles as data, and the one question everybody asks: may this caller do that? */
import type { Caller } from '../../operation.ts';

export const ROLES: Readonly<Record<string, readonly string[]>> = {
  admin: ['*'],
  operator: ['agents:*', 'configs:*', 'events:write', 'findings:*', 'packages:*', 'rules:*'],
  'read-only': ['*:read'],
};

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

/** Everything not granted is denied. Agents have no roles: they reach only what is their own. */
export function mayDo(caller: Caller, permission: string): boolean {
  return caller.roles.some((role) =>
    (Object.hasOwn(ROLES, role) ? (ROLES[role] ?? []) : []).some((granted) =>
      covers(granted, permission),
    ),
  );
}
