/** A row of the audit log as it is sealed: what its seal, the chain and an export cover. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '@opmas/protocol';

export interface AuditRow {
  id: number;
  /** RFC 3339, UTC, microseconds: as the database keeps it. */
  at: string;
  actor_kind: string;
  /** Name and id of whoever is no person; a person's are in the first personal part. */
  actor: string | null;
  actor_id: string | null;
  action: string;
  object: string | null;
  outcome: string;
  details: unknown;
  before: unknown;
  after: unknown;
  request_id: string | null;
  /** What each personal part must hash to. They are kept apart, so that a person's can be erased. */
  personal: readonly string[];
  /** Which key sealed it; null in rows older than seals. */
  key_id: string | null;
  hmac: string | null;
}

/** What tells of a person: part 0 of the one who acted, the others of whom the row names. */
export interface PersonalPart {
  part: number;
  person_id: string | null;
  name: string | null;
  remote: string | null;
  user_agent: string | null;
  /** Random, so that an erased part cannot be found again by guessing. */
  salt: string;
}

/** What a part must hash to, hex. */
export function commitment(part: PersonalPart): string {
  const { part: number, person_id, name, remote, user_agent, salt } = part;
  const text = canonicalJson({ part: number, person_id, name, remote, user_agent, salt });
  return createHash('sha256').update(text).digest('hex');
}

/** The text that is sealed; everything but the seal itself, so that no field can change alone. */
function sealedText(row: AuditRow): string {
  const { hmac: _, ...rest } = canonicalRow(row);
  return canonicalJson(rest);
}

/** Exactly the fields of a row: what else an object carries is not covered and must not look so. */
export function canonicalRow(row: AuditRow): AuditRow {
  return {
    id: row.id,
    at: row.at,
    actor_kind: row.actor_kind,
    actor: row.actor,
    actor_id: row.actor_id,
    action: row.action,
    object: row.object,
    outcome: row.outcome,
    details: row.details,
    before: row.before,
    after: row.after,
    request_id: row.request_id,
    personal: row.personal,
    key_id: row.key_id,
    hmac: row.hmac,
  };
}

/** HMAC-SHA-256 over the row, hex. @param key 32 bytes, the one `key_id` names */
export function rowSeal(row: AuditRow, key: Uint8Array): string {
  return createHmac('sha256', key).update(sealedText(row)).digest('hex');
}

/** In constant time. */
export function hasSeal(row: AuditRow, key: Uint8Array): boolean {
  const expected = Buffer.from(rowSeal(row, key));
  const found = Buffer.from(row.hmac ?? '');
  return expected.length === found.length && timingSafeEqual(expected, found);
}
