/** Recording findings exactly once, and reading them. */
import type { FindingRecord } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { isDataFault } from '../../kernel/database-away.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { isolate } from '../../kernel/isolate.ts';
import {
  decodeCursor,
  type Page,
  type PageRequest,
  pageLimit,
  toPage,
} from '../../kernel/paging.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import * as store from './findings.store.ts';

export function createFindingsService(options: {
  database: Database;
  clock: Clock;
  /** Called after the commit of new findings, with their number. */
  onRecorded(count: number): void;
}) {
  const { database, clock, onRecorded } = options;
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
    ): Promise<Page<FindingRecord>> {
      const limit = pageLimit(query);
      const after =
        query.cursor === undefined
          ? undefined
          : (decodeCursor(query.cursor, 2) as [string, string]);
      const rows = await store.listFindings(db, query, limit + 1, after);
      return toPage(rows, limit, store.toRecord, (row) => [
        row.recorded_at.toISOString(),
        row.finding_id,
      ]);
    },

    async find(db: Executor, id: string): Promise<FindingRecord> {
      const row = await store.findingById(db, id);
      if (row === undefined) throw new OpmasError('OPMAS_FINDING_NOT_FOUND', `No finding ${id}`);
      return store.toRecord(row);
    },
  };
}

export type FindingsService = ReturnType<typeof createFindingsService>;
