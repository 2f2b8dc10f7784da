/** All SQL of the audit log: rows are only ever added. */
import type { Caller } from '../../operation.ts';
import type { Executor } from '../../platform/ports.ts';

export interface AuditEntry {
  caller: Pick<Caller, 'kind' | 'id' | 'name'>;
  /** The operation's id, or the name of what the system did by itself. */
  action: string;
  object?: string | undefined;
  outcome: 'ok' | 'refused' | 'failed';
  details?: Record<string, unknown> | undefined;
  remote?: string | undefined;
  requestId?: string | undefined;
}

/** The caller of what OPMAS does by itself. */
export const SYSTEM: Pick<Caller, 'kind' | 'id' | 'name'> = {
  kind: 'local',
  id: 'system',
  name: 'opmas',
};

/** Adds a row in the transaction of the change it records, so that both commit or neither. */
export async function recordAudit(db: Executor, entry: AuditEntry): Promise<void> {
  await db
    .insertInto('audit_log')
    .values({
      actor_kind: entry.caller.kind,
      actor: entry.caller.name || entry.caller.id,
      action: entry.action,
      object: entry.object ?? null,
      outcome: entry.outcome,
      details: JSON.stringify(entry.details ?? {}),
      remote: entry.remote ?? null,
      request_id: entry.requestId ?? null,
    })
    .execute();
}
