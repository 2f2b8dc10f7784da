/** Built-in roles as data. They cannot be changed: what they grant is part of the documentation. */
import type { Grant } from '../../kernel/grants.ts';

export interface Role {
  name: string;
  description: string;
  grants: readonly Grant[];
}

const granting = (...permissions: string[]): Grant[] =>
  permissions.map((permission) => ({ permission }));

export const BUILT_IN: readonly Role[] = [
  { name: 'admin', description: 'Everything', grants: granting('*') },
  {
    name: 'operator',
    description: 'Runs the fleet: agents, configurations, packages, findings, events',
    grants: granting(
      'agents:*',
      'alerts:read',
      'configs:*',
      'events:write',
      'findings:*',
      'groups:*',
      'jobs:*',
      'packages:*',
      'publishers:read',
    ),
  },
  {
    name: 'read-only',
    description: 'Sees the fleet and its findings, changes nothing',
    grants: granting(
      'agents:read',
      'alerts:read',
      'configs:read',
      'findings:read',
      'groups:read',
      'jobs:read',
      'packages:read',
      'publishers:read',
    ),
  },
  {
    name: 'agent',
    description: 'What every agent has: its own data, and nothing of another; not for people',
    grants: [],
  },
];
