/** The chain over the audit log: each link holds its row and every link before it. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '@opmas/protocol';
import { type AuditRow, canonicalRow } from './row.ts';

/**
 * What the row was when it was chained. `sealed`: its seal was good. `unsigned`: older than seals.
 * `tampered`: its seal was not good. `missing`: it was written and was gone already.
 */
export const VERDICTS = ['sealed', 'unsigned', 'tampered', 'missing'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface ChainLink {
  /** From 1, without a gap. */
  seq: number;
  audit_id: number;
  verdict: Verdict;
  prev_hash: string;
  /** Hex. */
  hash: string;
}

/** Where a chain begins, or where a look at a part of it does. */
export interface ChainPoint {
  seq: number;
  hash: string;
}

/** SHA-256 of the hash before, and of place, verdict and row. @param row absent when it is missing */
export function linkHash(
  link: Pick<ChainLink, 'seq' | 'audit_id' | 'verdict' | 'prev_hash'>,
  row: AuditRow | undefined,
): string {
  const { seq, audit_id, verdict, prev_hash } = link;
  const text = canonicalJson({
    seq,
    audit_id,
    verdict,
    row: row === undefined ? null : canonicalRow(row),
  });
  return createHash('sha256').update(Buffer.from(prev_hash, 'hex')).update(text).digest('hex');
}

/** The link that follows `tail`. */
export function nextLink(
  tail: ChainPoint,
  { audit_id, verdict, row }: { audit_id: number; verdict: Verdict; row: AuditRow | undefined },
): ChainLink {
  const link = { seq: tail.seq + 1, audit_id, verdict, prev_hash: tail.hash };
  return { ...link, hash: linkHash(link, row) };
}
