// What the address of the audit log says, and what is asked of the server for it.
import type { AuditRecord } from '@opmas/protocol';
import { chosen, words } from '../lib/search.ts';
import { limits } from '../limits.ts';

export type Outcome = AuditRecord['outcome'];
export const OUTCOMES = ['ok', 'refused', 'failed'] as const satisfies readonly Outcome[];

export interface AuditFilter {
  actor?: string;
  action?: string;
  object?: string;
  outcome?: Outcome;
  /** As a `datetime-local` field has it: local time, without a zone. */
  from?: string;
  to?: string;
}

export interface AuditSearch extends AuditFilter {
  /** The id of the entry that is open. */
  entry?: string;
}

const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/;

export function readAuditSearch(search: Record<string, unknown>): AuditSearch {
  const text = (name: string) => words(search[name], limits.filterChars);
  const time = (name: string) => {
    const value = words(search[name], limits.filterChars);
    return value && LOCAL_TIME.test(value) ? value : undefined;
  };
  const entry = words(search['entry'], limits.idChars);
  const found: Partial<Record<keyof AuditSearch, string | undefined>> = {
    actor: text('actor'),
    action: text('action'),
    object: text('object'),
    outcome: chosen(search['outcome'], OUTCOMES)[0],
    from: time('from'),
    to: time('to'),
    entry: entry && /^\d+$/.test(entry) ? entry : undefined,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

export function auditQuery({ from, to, ...rest }: AuditFilter): Record<string, string> {
  return {
    ...rest,
    ...(from ? { from: new Date(from).toISOString() } : {}),
    ...(to ? { to: new Date(to).toISOString() } : {}),
  };
}

/** Only what filters: which entry is open must not make another list. */
export function plainFilter(search: AuditSearch): AuditFilter {
  const { entry: _entry, ...filter } = readAuditSearch({ ...search });
  return filter;
}
