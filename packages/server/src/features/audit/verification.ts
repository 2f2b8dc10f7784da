/** Verifies the chain a stretch at a time, against the rows, their seals and what was vouched for outside. */
import { auditKey, type ChainEntry, createWalk, hasSeal, type Walk } from '@opmas/keyring';
import type { AuditFault, AuditKey, AuditVerification } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import { decodeCursor, encodeCursor } from '../../kernel/paging.ts';
import type { Executor, KeyChain } from '../../platform/ports.ts';
import * as store from './chain.store.ts';
import type { CheckpointFile } from './checkpoint-file.ts';

export interface Verification {
  verify(db: Executor, cursor: string | undefined): Promise<AuditVerification>;
  /** Public keys of checkpoints, old ones too. */
  publicKeys(): Promise<AuditKey[]>;
}

export function createVerification({
  keys,
  file,
}: {
  keys: KeyChain;
  file: CheckpointFile;
}): Verification {
  const publicKeys = async () => (await keys.keys('audit-checkpoint')).map(auditKey);

  /** A walk that begins where the cursor says, and knows every checkpoint it will come by. */
  async function prepare(db: Executor, cursor: string | undefined) {
    const start = cursor === undefined ? 0 : Number(decodeCursor(cursor, 1)[0]);
    const from = Number.isSafeInteger(start) ? await store.chainPoint(db, start) : undefined;
    if (from === undefined) {
      throw new OpmasError('OPMAS_INVALID_REQUEST', 'The cursor names no link of the chain', {
        errors: [{ path: 'cursor', message: 'start again without it' }],
      });
    }
    const { hash: chain, unsignedUpTo } = await store.beginning(db);
    const seals = await keys.keys('audit-seal');
    const walk = createWalk({
      from,
      chain,
      unsignedUpTo,
      keys: await publicKeys(),
      seal: (row) => {
        const key = seals.find(({ id }) => id === row.key_id);
        return key !== undefined && hasSeal(row, key.bytes);
      },
    });
    const to = from.seq + limits.verifyLinks;
    // Checkpoints before the end of the chain: what is vouched for meanwhile must not look cut off.
    const outside = await file.read(from.seq, to);
    const inside = await store.checkpointsBetween(db, from.seq, to);
    const furthest = [outside.furthest, await store.lastCheckpoint(db)].filter(
      (one) => one !== undefined,
    );
    const tail = await store.chainTail(db);
    for (const checkpoint of [...outside.between, ...inside]) walk.expect(checkpoint);
    if (tail.seq <= to) for (const checkpoint of furthest) walk.expect(checkpoint);
    return { walk, from, to: Math.min(to, tail.seq), tail };
  }

  return {
    publicKeys,
    verify: async (db, cursor) => {
      // Counted first: with none waiting, all that was written before the call is in `total`.
      const waiting = await store.countUnsealed(db);
      const { walk, from, to, tail } = await prepare(db, cursor);
      const fault =
        (await walkTo(db, walk, to)) ?? (to === tail.seq ? await lookAtEnd(db, walk) : undefined);
      const at = walk.at().seq;
      return {
        ok: fault === undefined,
        fault: fault ?? null,
        from: from.seq + 1,
        to: at,
        total: tail.seq,
        checkpoints: walk.agreed(),
        waiting,
        keys: await publicKeys(),
        next_cursor: fault === undefined && to < tail.seq ? encodeCursor([String(at)]) : null,
      };
    },
  };
}

async function walkTo(db: Executor, walk: Walk, to: number): Promise<AuditFault | undefined> {
  for (let at = walk.at().seq; at < to; at = walk.at().seq) {
    const entries = await store.entriesAfter(db, at, Math.min(limits.verifyBatch, to - at));
    // Fewer than the tail said: the end of the walk names what is missing.
    if (entries.length === 0) return missing(at + 1);
    for (const entry of entries) {
      const fault = walk.take(entry) ?? (await lookAtErasure(db, entry));
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

/** An erasure took as many parts as it said: none was passed off as erased by it later. */
async function lookAtErasure(
  db: Executor,
  { link, row }: ChainEntry,
): Promise<AuditFault | undefined> {
  if (row?.action !== 'audit.erase' || row.outcome !== 'ok') return undefined;
  const details = row.details as { erasure_id?: unknown; parts?: unknown };
  const parts = await store.erasedParts(db, String(details.erasure_id));
  if (parts === details.parts) return undefined;
  return {
    kind: 'personal_missing',
    seq: link.seq,
    audit_id: link.audit_id,
    message: `Row ${link.audit_id} (link ${link.seq}): ${parts} parts are marked as erased by it, it erased ${String(details.parts)}`,
  };
}

async function lookAtEnd(db: Executor, walk: Walk): Promise<AuditFault | undefined> {
  const cut = walk.end();
  if (cut !== undefined) return cut;
  const id = await store.unchainedRow(db);
  if (id === undefined) return undefined;
  return {
    kind: 'row_unchained',
    seq: walk.at().seq + 1,
    audit_id: id,
    message: `Row ${id} is neither chained nor waiting for it: it was put in past the server, or its link was removed`,
  };
}

function missing(seq: number): AuditFault {
  return { kind: 'row_missing', seq, audit_id: null, message: `Link ${seq} is missing` };
}
