/** Reading, verifying and exporting the audit log, and erasing a person from it. */
import type { AuditRecord, AuditVerification } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import { type Page, type PageRequest, pageOf } from '../../kernel/paging.ts';
import type { Executor, KeyChain } from '../../platform/ports.ts';
import { type AuditFilter, type ListedRow, listRows } from './audit.store.ts';
import * as chain from './chain.store.ts';
import type { CheckpointFile } from './checkpoint-file.ts';
import { exportLines } from './export.ts';
import { personalised, personalisedText } from './people.ts';
import { createVerification } from './verification.ts';

export function createAuditService(options: {
  keys: KeyChain;
  file: CheckpointFile;
  clock: Clock;
  ids: Ids;
}) {
  const { keys, clock, ids } = options;
  const verification = createVerification(options);
  return {
    async list(db: Executor, query: AuditFilter & PageRequest): Promise<Page<AuditRecord>> {
      return pageOf(query, {
        rows: (limit, after) => listRows(db, query, limit, after),
        item: toRecord,
        key: (row) => [row.at, String(row.id)],
      });
    },

    verify(db: Executor, cursor: string | undefined): Promise<AuditVerification> {
      return verification.verify(db, cursor);
    },

    /** Lines of NDJSON, read as they are asked for. */
    export(db: Executor, range: { from?: string; to?: string }): AsyncIterable<string> {
      return exportLines({ keys, verification, clock }, db, range);
    },

    /**
     * Erases what the log says of a person: id, name, addresses, programs; in their own rows and where
     * others' rows name them. Their deeds stay, and the chain still verifies.
     * @param actor id or name of a user; the user may be gone already
     * @throws {OpmasError} OPMAS_NOT_FOUND when the log knows nobody of that id or name
     */
    async erase(db: Executor, actor: string): Promise<{ erasure_id: string; parts: number }> {
      const meant = await chain.personsMeant(db, actor);
      const erasureId = ids.uuid();
      let parts = 0;
      for (let erased: number = limits.eraseBatch; erased > 0; ) {
        erased = await chain.eraseParts(db, meant, erasureId, limits.eraseBatch);
        parts += erased;
      }
      if (parts === 0) {
        throw new OpmasError('OPMAS_NOT_FOUND', 'The audit log knows no user of that id or name');
      }
      return { erasure_id: erasureId, parts };
    },
  };
}

export type AuditService = ReturnType<typeof createAuditService>;

function toRecord(row: ListedRow): AuditRecord {
  const { parts } = row;
  const actor = parts.find(({ part }) => part === 0);
  const isPerson = row.actor_kind === 'user';
  return {
    audit_id: row.id,
    seq: row.seq,
    time: `${row.at.slice(0, 23)}Z`,
    actor_kind: row.actor_kind,
    actor_id: isPerson ? (actor?.person_id ?? null) : row.actor_id,
    actor: isPerson ? (actor?.name ?? null) : row.actor,
    action: row.action,
    object: personalisedText(row.object, parts),
    outcome: row.outcome as AuditRecord['outcome'],
    details: personalised(row.details, parts) as AuditRecord['details'],
    before: personalised(row.before, parts),
    after: personalised(row.after, parts),
    remote: actor?.remote ?? null,
    user_agent: actor?.user_agent ?? null,
    request_id: row.request_id,
    erased: parts.length < row.personal.length,
  };
}
