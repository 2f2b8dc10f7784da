/** Recording findings exactly once, and reading them. */
import type { FindingRecord } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { isDataFault } from '../../kernel/database-away.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Reach } from '../../kernel/grants.ts';
import { isolate } from '../../kernel/isolate.ts';
import { type Page, type PageRequest, pageOf } from '../../kernel/paging.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import * as store from './findings.store.ts';
import type { Proof } from './proof.schemas.ts';
import type { Proofs } from './proof.ts';

export function createFindingsService(options: {
  database: Database;
  clock: Clock;
  proofs: Proofs;
  /** Called after the commit of new findings, with their number. */
  onRecorded(count: number): void;
}) {
  const { database, clock, onRecorded } = options;

  async function rowOf(db: Executor, id: string, reach: Reach): Promise<store.FindingRow> {
    const row = await store.findingById(db, id, reach);
    if (row === undefined) throw new OpmasError('OPMAS_FINDING_NOT_FOUND', `No finding ${id}`);
    return row;
  }

  return {
    /**
     * Commits what is new of the batch. When it returns, every finding of the batch is stored once,
     * whoever delivers it again, but those it returns: the database will never take them. When it
     * throws, the whole batch is to be handed over again.
     */
    record: (batch: readonly store.ReceivedFinding[]) =>
      isolate(
        batch,
        async (part) => {
          if (part.length === 0) return;
          const added = await store.recordBatch(database.pool, part, new Date(clock.now()));
          if (added > 0) onRecorded(added);
        },
        isDataFault,
      ),

    async list(
      db: Executor,
      query: PageRequest & store.FindingFilter,
      reach: Reach,
    ): Promise<Page<FindingRecord>> {
      return pageOf(query, {
        rows: (limit, after) => store.listFindings(db, { ...query, reach }, limit, after),
        item: store.toRecord,
        key: (row) => [row.recorded_at.toISOString(), row.finding_id],
      });
    },

    find: async (db: Executor, id: string, reach: Reach): Promise<FindingRecord> =>
      store.toRecord(await rowOf(db, id, reach)),

    /** Why it was found, and whether it would be found again. */
    prove: async (db: Executor, id: string, reach: Reach): Promise<Proof> =>
      options.proofs.prove(db, await rowOf(db, id, reach)),
  };
}

export type FindingsService = ReturnType<typeof createFindingsService>;
