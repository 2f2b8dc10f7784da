// The audit log.
import type { AuditRecord, AuditVerification } from '@opmas/protocol';
import { limits } from '../limits.ts';
import type { Api, Page } from './index.ts';

export interface AuditProof {
  /** Entries walked. */
  walked: number;
  fault: AuditVerification['fault'];
}

export function auditApi({ call, file }: Api) {
  return {
    entries: (query: Record<string, string>, cursor: string | null, signal?: AbortSignal) =>
      call<Page<AuditRecord>>({
        path: '/audit',
        query: { limit: limits.auditPage, ...query, cursor: cursor ?? undefined },
        signal,
      }),

    /** Walks the whole chain, stretch by stretch; tells how far it has come. */
    verify: async (onProgress: (part: number) => void): Promise<AuditProof> => {
      let cursor: string | null = null;
      let walked = 0;
      for (let stretch = 0; stretch < limits.auditStretches; stretch += 1) {
        const answer: AuditVerification = await call<AuditVerification>({
          path: '/audit/verify',
          query: { cursor: cursor ?? undefined },
          timeoutMs: limits.downloadMs,
        });
        walked = answer.to;
        if (!answer.ok || answer.fault) return { walked, fault: answer.fault };
        if (answer.next_cursor === null) break;
        cursor = answer.next_cursor;
        onProgress(answer.total > 0 ? answer.to / answer.total : 0);
      }
      return { walked, fault: null };
    },

    /** As NDJSON, to be verified by `opmas audit verify FILE`. */
    export: (query: { from?: string | undefined; to?: string | undefined }) =>
      file({ path: '/audit/export', query }),
  };
}
