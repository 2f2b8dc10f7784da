/** What is said about an act: who, what, from where, with which outcome. */
import type { Caller } from '../../operation.ts';

export interface AuditEntry {
  caller: Pick<Caller, 'kind' | 'id' | 'name'>;
  /** The operation's id, or the name of what the system did by itself. */
  action: string;
  object?: string | undefined;
  outcome: 'ok' | 'refused' | 'failed';
  details?: Record<string, unknown> | undefined;
  /** What was changed, as it was and as it is. */
  before?: unknown;
  after?: unknown;
  remote?: string | undefined;
  userAgent?: string | undefined;
  requestId?: string | undefined;
}

/** The caller of what OPMAS does by itself. */
export const SYSTEM: Pick<Caller, 'kind' | 'id' | 'name'> = {
  kind: 'local',
  id: 'system',
  name: 'opmas',
};
