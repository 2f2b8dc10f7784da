/** Where a layer of configuration is kept: its scope, and whose of that scope it is. */

/** Scopes that are stored, the lowest layer first. */
export const SCOPES = ['environment', 'fleet', 'group', 'agent', 'runtime'] as const;
export type Scope = (typeof SCOPES)[number];

/** Layers that are prepared in drafts; what runs for a while is set at once. */
export const DRAFT_SCOPES = ['environment', 'fleet', 'group', 'agent'] as const;
export type DraftScope = (typeof DRAFT_SCOPES)[number];

export interface ScopeRef {
  scope: Scope;
  /** Name of the environment or group, id of the agent; empty for the fleet. */
  scope_id: string;
}

export type DraftRef = ScopeRef & { scope: DraftScope };

export const FLEET: ScopeRef = { scope: 'fleet', scope_id: '' };

export const agentScope = (agentId: string): ScopeRef => ({ scope: 'agent', scope_id: agentId });
export const runtimeScope = (agentId: string): ScopeRef => ({
  scope: 'runtime',
  scope_id: agentId,
});
export const groupScope = (name: string): ScopeRef => ({ scope: 'group', scope_id: name });
export const environmentScope = (name: string): ScopeRef => ({
  scope: 'environment',
  scope_id: name,
});

/** Does a write to it change what one agent alone is told? */
export function isOfOneAgent({ scope }: ScopeRef): boolean {
  return scope === 'agent' || scope === 'runtime';
}

export function scopeKey({ scope, scope_id }: ScopeRef): string {
  return `${scope}/${scope_id}`;
}

/** What people read as the origin of a value: `fleet`, `group:berlin`, `agent`. */
export function labelOf(ref: ScopeRef): string {
  return ref.scope === 'group' || ref.scope === 'environment'
    ? `${ref.scope}:${ref.scope_id}`
    : ref.scope;
}

/** Who the sealed secrets of a layer belong to. An agent's id never holds a colon. */
export function secretOwner(ref: ScopeRef): string {
  return ref.scope === 'agent' ? ref.scope_id : `${ref.scope}:${ref.scope_id}`;
}

/** For errors: `the configuration of group berlin`. */
export function describeScope({ scope, scope_id }: ScopeRef): string {
  switch (scope) {
    case 'fleet':
      return 'the configuration of the fleet';
    case 'runtime':
      return `the runtime configuration of ${scope_id}`;
    default:
      return `the configuration of ${scope} ${scope_id}`;
  }
}
