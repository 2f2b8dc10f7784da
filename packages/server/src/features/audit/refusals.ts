/** Refused calls in the audit log: the first of a kind at once, a flood of them as one row with a count. */
import { messageOf } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Database } from '../../platform/ports.ts';
import type { AuditLog } from './audit-log.ts';
import { type AuditEntry, SYSTEM } from './entry.ts';

export interface Refusal extends Omit<AuditEntry, 'outcome' | 'details' | 'before' | 'after'> {
  code: string;
  /** `failed`: it was allowed and did not succeed. */
  outcome?: 'refused' | 'failed';
}

export interface Refusals {
  /** Returns at once: a refusal stands whether or not the database is there to write it down. */
  note(refusal: Refusal): void;
  /** Writes what was counted since the last time; then every kind is new again. */
  flush(): Promise<void>;
}

interface Counted {
  refusal: Refusal;
  count: number;
}

export function createRefusals({
  audit,
  database,
  logger,
}: {
  audit: AuditLog;
  database: Database;
  logger: Logger;
}): Refusals {
  let counted = new Map<string, Counted>();
  /** One after the other: a flood must not take the connections others need. */
  let writing: Promise<void> = Promise.resolve();

  const write = async (refusal: Refusal, repeated: number): Promise<void> => {
    const { code, outcome = 'refused', ...entry } = refusal;
    const details = repeated === 0 ? { code } : { code, repeated };
    try {
      await audit.record(database.pool, { ...entry, outcome, details });
    } catch (error) {
      logger.warn({ operation: entry.action, repeated, err: messageOf(error) }, 'not audited');
    }
  };

  return {
    note: (refusal) => {
      const known = counted.get(kindOf(refusal));
      if (known !== undefined) {
        known.count += 1;
        return;
      }
      if (counted.size >= limits.refusals) {
        // Too many kinds to tell apart: counted by what was refused, whoever tried it on whatever.
        const { action, code, outcome = 'refused' } = refusal;
        const coarse = JSON.stringify([action, code, outcome]);
        const sum = counted.get(coarse) ?? {
          refusal: { caller: SYSTEM, action, code, outcome },
          count: 0,
        };
        counted.set(coarse, { ...sum, count: sum.count + 1 });
        return;
      }
      counted.set(kindOf(refusal), { refusal, count: 0 });
      writing = writing.then(() => write(refusal, 0));
    },
    flush: async () => {
      // Kinds are told apart until they are written, so no more than `limits.refusals` ever wait.
      await writing;
      const due = [...counted.values()].filter(({ count }) => count > 0);
      counted = new Map();
      for (const { refusal, count } of due) await write(refusal, count);
    },
  };
}

function kindOf({ action, caller, remote, object, code, outcome }: Refusal): string {
  return JSON.stringify([action, caller.kind, caller.id, remote, object, code, outcome]);
}
