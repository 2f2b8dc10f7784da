/** The audit log as the rest of the server sees it: one row for what was done, in the transaction of doing it. */
import { type AuditRow, commitment, rowSeal } from '@opmas/keyring';
import type { Clock } from '../../kernel/clock.ts';
import { timestamp } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import type { Executor, KeyChain } from '../../platform/ports.ts';
import * as store from './audit.store.ts';
import type { AuditEntry } from './entry.ts';
import { bounded, difference } from './masking.ts';
import { depersonalise } from './people.ts';

export interface AuditLog {
  /**
   * Adds a row in the transaction of the change it records, so that both commit or neither: what cannot
   * be recorded is not done. Secrets are masked and sizes bounded here.
   */
  record(db: Executor, entry: AuditEntry): Promise<void>;
  /** Makes or fetches the key of the seals, so that no transaction has to wait for it. */
  prepare(): Promise<void>;
}

export function createAuditLog({ keys, clock }: { keys: KeyChain; clock: Clock }): AuditLog {
  /** Ids nobody else has: a row is sealed with its id, before it is written. */
  let ids: number[] = [];

  const nextId = async (db: Executor): Promise<number> => {
    if (ids.length === 0) ids = [...ids, ...(await store.reserveIds(db, limits.auditIds))];
    const id = ids.shift();
    if (id === undefined) throw new Error('the database reserved no id');
    return id;
  };
  const sealingKey = async () => {
    const [key] = await keys.keys('audit-seal');
    if (key === undefined) throw new Error('there is no key to seal the audit log with');
    return key;
  };

  return {
    prepare: async () => void (await sealingKey()),
    record: async (db, entry) => {
      const key = await sealingKey();
      const { parts, before, after, ...who } = depersonalise(entry);
      const row: AuditRow = {
        id: await nextId(db),
        // Milliseconds, written as the database gives them back.
        at: timestamp(clock.now()).replace('Z', '000Z'),
        actor_kind: entry.caller.kind,
        actor: who.actor,
        actor_id: who.actor_id,
        action: entry.action,
        object: who.object,
        outcome: entry.outcome,
        details: bounded(who.details, limits.auditBytes),
        ...difference(before, after),
        request_id: entry.requestId ?? null,
        personal: parts.map(commitment),
        key_id: key.id,
        hmac: null,
      };
      try {
        await store.insertRow(db, { ...row, hmac: rowSeal(row, key.bytes) }, parts);
      } catch (error) {
        // Should they be taken (a database restored from a backup), the next row asks for others.
        ids = [];
        throw error;
      }
    },
  };
}
