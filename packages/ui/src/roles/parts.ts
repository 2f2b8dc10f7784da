// A role as its editor shows it: parts, each some permissions for the same agents.
import type { AgentSelector, Grant, PermissionRow } from '../api/resources.ts';
import { covers } from '../lib/grants.ts';

export interface Part {
  permissions: readonly string[];
  ids: readonly string[];
  types: readonly string[];
  tags: readonly string[];
}

export const EMPTY_PART: Part = { permissions: [], ids: [], types: [], tags: [] };

/** Grants for the same agents come together, in the order in which they are first met. */
export function toParts(grants: readonly Grant[]): Part[] {
  const parts = new Map<string, Part>();
  for (const { permission, agents = {} } of grants) {
    const { ids = [], types = [], tags = [] } = agents;
    const key = JSON.stringify([ids, types, tags].map((list) => list.toSorted()));
    const part = parts.get(key) ?? { permissions: [], ids, types, tags };
    parts.set(key, { ...part, permissions: [...part.permissions, permission] });
  }
  return [...parts.values()];
}

export function toGrants(parts: readonly Part[]): Grant[] {
  return parts.flatMap((part) => {
    const agents = selectorOf(part);
    return part.permissions.map((permission) => ({ permission, ...(agents ? { agents } : {}) }));
  });
}

function selectorOf({ ids, types, tags }: Part): AgentSelector | undefined {
  const selector = {
    ...(ids.length > 0 ? { ids } : {}),
    ...(types.length > 0 ? { types } : {}),
    ...(tags.length > 0 ? { tags } : {}),
  };
  return Object.keys(selector).length > 0 ? selector : undefined;
}

/** Is it granted by a wider one of the same part? */
export function isCovered(permissions: readonly string[], permission: string): boolean {
  return permissions.some(
    (other) => other !== permission && (other === '*' || coversAll(other, permission)),
  );
}

/** `*:read` covers `agents:read`, but not `agents:*`. */
function coversAll(granted: string, permission: string): boolean {
  return permission === '*' || permission.includes('*')
    ? granted.split(':')[1] === '*' && granted.split(':')[0] === permission.split(':')[0]
    : covers(granted, permission);
}

export function toggled(permissions: readonly string[], permission: string): string[] {
  return permissions.includes(permission)
    ? permissions.filter((other) => other !== permission)
    : // What the wider one covers needs no word of its own any more.
      [...permissions.filter((other) => !isCovered([permission], other)), permission];
}

export interface Resource {
  name: string;
  rows: readonly PermissionRow[];
}

/** `agents: [agents:read, …]`, in the order of the server's table. */
export function byResource(rows: readonly PermissionRow[]): Resource[] {
  const resources = new Map<string, PermissionRow[]>();
  for (const row of rows) {
    const name = row.permission.split(':')[0] ?? '';
    resources.set(name, [...(resources.get(name) ?? []), row]);
  }
  return [...resources].map(([name, each]) => ({ name, rows: each }));
}
