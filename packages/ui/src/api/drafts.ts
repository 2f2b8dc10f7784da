// Drafts of layers that the server keeps: prepared by somebody, told to nobody until they are published.
import type {
  DraftsGetResponse,
  DraftsListResponse,
  DraftsPublishResponse,
  DraftsRebaseResponse,
  DraftsUpdateResponse,
} from '@opmas/client';
import { limits } from '../limits.ts';
import type { Document, Where } from './configs.ts';
import type { Api } from './index.ts';

export type StoredDraft = DraftsListResponse['items'][number];
/** With what publishing it would do; of one whose layer moved: after a rebase in which the draft wins. */
export type DraftDetail = DraftsGetResponse;
export type DraftConflict = DraftDetail['conflicts'][number];

/** Of the fleet there is no name. */
export function nameOf(where: Where): { scope: Where['kind']; name?: string } {
  return where.kind === 'fleet' ? { scope: where.kind } : { scope: where.kind, name: where.name };
}

export function whereOf({ scope, name }: Pick<StoredDraft, 'scope' | 'name'>): Where {
  return scope === 'fleet' ? { kind: scope } : { kind: scope, name: name ?? '' };
}

export function draftsApi({ call }: Api) {
  const path = (id: string) => `/drafts/${encodeURIComponent(id)}`;
  // Whom it reaches is worked out for the whole fleet.
  const timeoutMs = limits.checkMs;
  return {
    /** @param where of one layer; undefined: of all that may be seen */
    list: (where: Where | undefined, cursor: string | null, signal?: AbortSignal) =>
      call<DraftsListResponse>({
        path: '/drafts',
        query: {
          limit: limits.draftsPage,
          cursor: cursor ?? undefined,
          ...(where ? nameOf(where) : {}),
        },
        signal,
      }),
    one: (id: string, signal?: AbortSignal) =>
      call<DraftDetail>({ path: path(id), signal, timeoutMs }),
    /** @param base the version that the document was made from */
    keep: (where: Where, input: { document: Document; base: number; reason: string }) =>
      call<DraftsUpdateResponse>({
        method: 'POST',
        path: '/drafts',
        body: {
          ...nameOf(where),
          document: input.document,
          base_version: input.base,
          ...(input.reason === '' ? {} : { reason: input.reason }),
        },
      }),
    /** @param input.version of the draft that was changed: refused (412) when somebody else was faster */
    change: (id: string, input: { document: Document; reason: string; version: number }) =>
      call<DraftsUpdateResponse>({
        method: 'PUT',
        path: path(id),
        ifMatch: input.version,
        body: { document: input.document, reason: input.reason },
      }),
    /** @param input.prefer absent: refused (409) with the keys that both changed */
    rebase: (id: string, input: { version: number; prefer?: 'draft' | 'head' | undefined }) =>
      call<DraftsRebaseResponse>({
        method: 'POST',
        path: `${path(id)}/rebase`,
        ifMatch: input.version,
        body: input.prefer === undefined ? {} : { prefer: input.prefer },
      }),
    /** @param input.version of the draft that was looked at; refused (412) when it or its layer went on */
    publish: (id: string, input: { version: number; reason: string }) =>
      call<DraftsPublishResponse>({
        method: 'POST',
        path: `${path(id)}/publish`,
        body: input,
        timeoutMs,
      }),
    discard: (id: string) => call<undefined>({ method: 'DELETE', path: path(id) }),
  };
}
