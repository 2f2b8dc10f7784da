// Configurations: what agents are told, the layers it comes from, and what became of telling them.
import { limits } from '../limits.ts';
import type { Api, Page } from './index.ts';

export type Document = Record<string, unknown>;

export const ENVIRONMENTS = ['development', 'testing', 'staging', 'production'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

/** Whose layer. The runtime layer of an agent is apart: it has no history to look at. */
export type Where =
  | { kind: 'fleet' }
  | { kind: 'environment'; name: string }
  | { kind: 'group'; name: string }
  | { kind: 'agent'; name: string };

/** What the server judges before it is written: the runtime layer of an agent too. */
export type Judged = Where | { kind: 'runtime'; name: string };

export interface LayerOrigin {
  version: number;
  author: string;
  reason: string | null;
  created_at: string;
  pinned: boolean;
}

export interface EffectiveConfig {
  agent_id: string;
  version: number;
  hash: string;
  config: Document;
  origins: Readonly<Record<string, string>>;
  layers: Readonly<Record<string, LayerOrigin>>;
}

/** A layer as it is in force; version 0 was never written. */
export interface LayerHead {
  version: number;
  config: Document;
  author: string | null;
  reason: string | null;
  created_at: string | null;
}

export interface RuntimeLayer extends LayerHead {
  expires_at: string | null;
}

export interface LayerVersion {
  version: number;
  hash: string;
  config: Document;
  reason: string | null;
  author: string;
  created_at: string;
}

/** `before` absent: was not set; `after` absent: is not set any more. */
export interface Difference {
  path: string;
  before?: unknown;
  after?: unknown;
}

export interface Differences {
  changes: readonly Difference[];
  /** Beyond those told. */
  more: number;
}

export interface AffectedAgent extends Differences {
  agent_id: string;
  name: string;
  restart: boolean;
  reprovision: boolean;
}

export interface ConfigFault {
  path: string;
  message: string;
}

/** What publishing a document would do. */
export interface Validation {
  valid: boolean;
  errors: readonly ConfigFault[];
  version: number;
  diff: Differences;
  affected: readonly AffectedAgent[];
  counts: {
    reached: number;
    changed: number;
    restart: number;
    reprovision: number;
    invalid: number;
  };
}

/** What publishing did; of one agent the server says no numbers. */
export interface Published {
  version: number;
  reached?: number;
  changed?: number;
}

export const DELIVERY_STATES = ['rejected', 'expired', 'pending', 'applied'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export interface Delivery {
  agent_id: string;
  name: string;
  state: DeliveryState;
  desired_hash: string;
  running_hash: string | null;
  /** What all its instances were well with last, with the version of the agent's own layer in it. */
  healthy_hash: string | null;
  healthy_version: number | null;
  reason: string | null;
  errors: readonly ConfigFault[];
  since: string;
  offered_at: string | null;
  deadline: string | null;
  settled_at: string | null;
  attempts: number;
}

export interface DeliveryDetail extends Delivery {
  instances: readonly {
    instance_id: string;
    running_hash: string | null;
    attempted_hash: string | null;
    healthy_hash: string | null;
    healthy_version: number | null;
    errors: readonly ConfigFault[];
    last_heard: string;
  }[];
  left_behind: readonly { topic: string; unread: number }[];
  failed: readonly { hash: string; errors: readonly ConfigFault[]; failed_at: string }[];
}

export interface DeliveriesPage extends Page<Delivery> {
  counts: Readonly<Record<DeliveryState, number>>;
}

const NEVER: LayerHead = { version: 0, config: {}, author: null, reason: null, created_at: null };

function pathOf(where: Judged): string {
  switch (where.kind) {
    case 'fleet':
      return '/config';
    case 'environment':
      return `/environments/${encodeURIComponent(where.name)}/config`;
    case 'group':
      return `/groups/${encodeURIComponent(where.name)}/config`;
    case 'agent':
      return `/agents/${encodeURIComponent(where.name)}/config`;
    case 'runtime':
      return `/agents/${encodeURIComponent(where.name)}/config/runtime`;
  }
}

export function configsApi({ call }: Api) {
  const agent = (id: string) => pathOf({ kind: 'agent', name: id });
  const history = (where: Where, cursor: string | null, limit: number, signal?: AbortSignal) =>
    call<Page<LayerVersion>>({
      path: `${pathOf(where)}/history`,
      query: { limit, cursor: cursor ?? undefined },
      signal,
    });
  return {
    effective: (id: string, signal?: AbortSignal) =>
      call<EffectiveConfig>({ path: agent(id), query: { origins: 'true' }, signal }),

    /** The layer in force. That of an agent is the newest of its versions: its own path answers the effective one. */
    layer: async (where: Where, signal?: AbortSignal): Promise<LayerHead> => {
      if (where.kind !== 'agent') return call<LayerHead>({ path: pathOf(where), signal });
      const { items } = await history(where, null, 1, signal);
      return items[0] ?? NEVER;
    },
    history: (where: Where, cursor: string | null, signal?: AbortSignal) =>
      history(where, cursor, limits.versionsPage, signal),
    diff: (where: Where, from: number, to: number, signal?: AbortSignal) =>
      call<Differences>({ path: `${pathOf(where)}/diff`, query: { from, to }, signal }),

    validate: (where: Judged, document: Document, signal?: AbortSignal) =>
      call<Validation>({
        method: 'POST',
        path: `${pathOf(where)}/validate`,
        body: document,
        timeoutMs: limits.checkMs,
        signal,
      }),
    /** @param version the one the document was made from: refused (412) when another is in force */
    publish: (where: Where, input: { document: Document; reason: string; version: number }) =>
      call<Published>({
        method: 'PUT',
        path: pathOf(where),
        query: { reason: input.reason },
        ifMatch: input.version,
        body: input.document,
        timeoutMs: limits.checkMs,
      }),
    rollback: (where: Where, input: { to: number; reason: string; version: number }) =>
      call<Published>({
        method: 'POST',
        path: `${pathOf(where)}/rollback`,
        query: { reason: input.reason },
        ifMatch: input.version,
        body: { version: input.to },
        timeoutMs: limits.checkMs,
      }),

    runtime: (id: string, signal?: AbortSignal) =>
      call<RuntimeLayer>({ path: pathOf({ kind: 'runtime', name: id }), signal }),
    /** @param seconds absent: until it is cleared */
    setRuntime: (
      id: string,
      input: { document: Document; reason: string; version: number; seconds?: number },
    ) =>
      call<Published>({
        method: 'PUT',
        path: `${agent(id)}/runtime`,
        query: { reason: input.reason, expires_in: input.seconds },
        ifMatch: input.version,
        body: input.document,
      }),
    clearRuntime: (id: string, input: { reason: string; version: number }) =>
      call<Published>({
        method: 'DELETE',
        path: `${agent(id)}/runtime`,
        query: { reason: input.reason },
        ifMatch: input.version,
      }),
    keepRuntime: (id: string, reason: string) =>
      call<Published>({ method: 'POST', path: `${agent(id)}/runtime/keep`, query: { reason } }),

    deliveries: (state: DeliveryState | undefined, cursor: string | null, signal?: AbortSignal) =>
      call<DeliveriesPage>({
        path: '/config/deliveries',
        query: { limit: limits.deliveriesPage, state, cursor: cursor ?? undefined },
        signal,
      }),
    delivery: (id: string, signal?: AbortSignal) =>
      call<DeliveryDetail>({ path: `${agent(id)}/delivery`, signal }),
    retry: (id: string) =>
      call<DeliveryDetail>({ method: 'POST', path: `${agent(id)}/delivery/retry` }),
  };
}
