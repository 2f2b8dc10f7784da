/** Refused calls in the audit log: the first of a kind at once, a flood of them as one row with a count. */
import { messageOf } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Database } from '../../platform/ports.ts';
import { type AuditEntry, recordAudit } from './audit.store.ts';

export interface Refusal extends Omit<AuditEntry, 'outcome' | 'details'> {
  code: string;
}

export interface Refusals {
  /** Returns at once: a refusal stands whether or not the database is there to write it down. */
  note(refusal: Refusal): void;
  /** Writes what was counted since the last time; then every kind is new again. */
  flush(): Promise<void>;
}

export function createRefusals({
  database,
  logger,
}: {
  database: Database;
  logger: Logger;
}): Refusals {
  let counted = new Map<string, { refusal: Refusal; count: number }>();
  const atWork = new Set<Promise<void>>();

  const write = async (refusal: Refusal, repeated: number): Promise<void> => {
    const { code, ...entry } = refusal;
    const details = repeated === 0 ? { code } : { code, repeated };
    try {
      await recordAudit(database.pool, { ...entry, outcome: 'refused', details });
    } catch (error) {
      logger.warn({ operation: entry.action, repeated, err: messageOf(error) }, 'not audited');
    }
  };

  return {
    note: (refusal) => {
      const { action, caller, remote, code } = refusal;
      const kind = JSON.stringify([action, caller.kind, caller.id, remote, code]);
      const known = counted.get(kind);
      if (known !== undefined) {
        known.count += 1;
        return;
      }
      if (counted.size >= limits.refusals) {
        logger.warn({ operation: action, code, remote }, 'refusal not audited: too many kinds');
        return;
      }
      counted.set(kind, { refusal, count: 0 });
      const work = write(refusal, 0).finally(() => atWork.delete(work));
      atWork.add(work);
    },
    flush: async () => {
      const due = [...counted.values()].filter(({ count }) => count > 0);
      counted = new Map();
      for (const { refusal, count } of due) await write(refusal, count);
      await Promise.all(atWork);
    },
  };
}
