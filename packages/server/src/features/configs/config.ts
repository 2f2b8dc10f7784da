/** What is said of configurations: to who asks, to who writes, and to who wants to know before. */
import type { Fault } from '@opmas/protocol';
import type { LayerVersion } from './configs.store.ts';
import type { Diff } from './diff.ts';
import type { NewConfig } from './fleet.store.ts';
import type { Scope, ScopeRef } from './scopes.ts';
import { maskStored } from './secret-values.ts';

export interface ConfigAnswer {
  agent_id: string;
  version: number;
  hash: string;
  config: Record<string, unknown>;
  /** The layer each value comes from, by dotted path. */
  origins?: Record<string, string>;
  /** The stored layers that `origins` names. */
  layers?: Record<string, LayerOrigin>;
}

export interface LayerOrigin {
  version: number;
  author: string;
  reason: string | null;
  created_at: string;
  /** Held at this version although the layer has a newer one. */
  pinned: boolean;
}

/** One layer as it is stored, secrets masked. */
export interface LayerAnswer {
  scope: Scope;
  /** Of the environment or group, or the agent's id; null for the fleet. */
  name: string | null;
  /** 0: never written. */
  version: number;
  hash: string | null;
  config: Record<string, unknown>;
  author: string | null;
  reason: string | null;
  created_at: string | null;
  expires_at: string | null;
}

/** What a write changed, for all who must know; secrets are masked. */
export interface ConfigChange {
  layer: LayerAnswer;
  /** Agents the layer reaches, and those that are told something else from now on. */
  reached: number;
  changed: readonly NewConfig[];
  /** The layer, for the audit. */
  before: Record<string, unknown>;
  after: Record<string, unknown>;
  /** JSON pointers of the secrets that were given anew: masked they look like the old ones. */
  secretsSet: readonly string[];
}

export interface ConfigWrite {
  reason?: string | undefined;
  /** The version the writer saw; 0: there must be none. */
  ifMatch?: number | undefined;
  author: string;
  /** Of the runtime layer: seconds until it is emptied; for ever when not given. */
  expiresIn?: number | undefined;
}

/** What a write would do. */
export interface Validation {
  valid: boolean;
  errors: Fault[];
  /** The version it was compared with; give it back as If-Match. */
  version: number;
  /** Of the layer. */
  diff: Diff;
  affected: AffectedAgent[];
  counts: {
    reached: number;
    changed: number;
    restart: number;
    reprovision: number;
    invalid: number;
  };
}

export interface AffectedAgent {
  agent_id: string;
  name: string;
  changes: Diff['changes'];
  /** Changes beyond those told. */
  more: number;
  /** Takes it over only when started again. */
  restart: boolean;
  /** Gets other topics. */
  reprovision: boolean;
}

export function layerAnswer(ref: ScopeRef, head: LayerVersion | undefined): LayerAnswer {
  return {
    scope: ref.scope,
    name: ref.scope === 'fleet' ? null : ref.scope_id,
    version: head?.version ?? 0,
    hash: head?.hash ?? null,
    config: maskStored(head?.document ?? {}),
    author: head?.author ?? null,
    reason: head?.reason ?? null,
    created_at: head?.created_at.toISOString() ?? null,
    expires_at: head?.expires_at?.toISOString() ?? null,
  };
}
