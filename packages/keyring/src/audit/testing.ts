/** A chained audit log in memory, for tests that damage it. */
import { createHash, randomBytes } from 'node:crypto';
import type { AuditFault, AuditKey } from '@opmas/protocol';
import { type ChainPoint, nextLink } from './chain.ts';
import { auditKey, type Checkpoint, signCheckpoint } from './checkpoint.ts';
import { type AuditRow, commitment, hasSeal, type PersonalPart, rowSeal } from './row.ts';
import { type ChainEntry, createWalk } from './walk.ts';

export interface SampleLog {
  chain: string;
  entries: ChainEntry[];
  checkpoints: Checkpoint[];
  keys: AuditKey[];
  /** Where a walk begins, when not at the first link. */
  from?: ChainPoint;
}

const SEAL = { id: 'seal-1', bytes: new Uint8Array(32).fill(7) };
const SIGN = { id: 'sign-1', bytes: new Uint8Array(32).fill(9) };

export const isSealed = (row: AuditRow): boolean => hasSeal(row, SEAL.bytes);

export function sampleRow(id: number): { row: AuditRow; personal: PersonalPart[] } {
  const person: PersonalPart = {
    part: 0,
    person_id: `user-${id % 5}`,
    name: `name ${id % 5}`,
    remote: '192.0.2.1',
    user_agent: 'curl/8',
    salt: randomBytes(16).toString('hex'),
  };
  const row: AuditRow = {
    id,
    at: `2026-01-01T00:00:${String(id % 60).padStart(2, '0')}.000000Z`,
    actor_kind: 'user',
    actor: null,
    actor_id: null,
    action: 'configs.put',
    object: `agent-${id}`,
    outcome: 'ok',
    details: { number: id },
    before: null,
    after: { batch_size: id },
    request_id: `request-${id}`,
    personal: [commitment(person)],
    key_id: SEAL.id,
    hmac: null,
  };
  return { row: { ...row, hmac: rowSeal(row, SEAL.bytes) }, personal: [person] };
}

/** Chains `rows` anew, as one would who may write every table: each seal stays what it is. */
export function chained(
  rows: readonly Pick<ChainEntry, 'row' | 'personal'>[],
  chain: string,
): ChainEntry[] {
  let tail: ChainPoint = { seq: 0, hash: chain };
  return rows.map(({ row, personal }) => {
    const link = nextLink(tail, { audit_id: row?.id ?? 0, verdict: 'sealed', row });
    tail = link;
    return { link, row, personal, erased: [] };
  });
}

export function sampleLog(count: number, checkpointEvery: number): SampleLog {
  const chain = createHash('sha256').update('a chain').digest('hex');
  const entries = chained(
    Array.from({ length: count }, (_, index) => sampleRow(index + 1)),
    chain,
  );
  const checkpoints = entries
    .filter(({ link }) => link.seq % checkpointEvery === 0 || link.seq === count)
    .map(({ link }) => vouch(chain, link));
  return { chain, entries, checkpoints, keys: [auditKey(SIGN)] };
}

export function vouch(chain: string, { seq, hash }: ChainPoint, signer = SIGN): Checkpoint {
  return signCheckpoint({ chain, seq, hash, count: seq, time: '2026-01-01T00:01:00.000Z' }, signer);
}

/** The first thing wrong. @param online false: without the key of the seals */
export function firstFault(
  log: SampleLog,
  { online }: { online: boolean },
): AuditFault | undefined {
  const walk = createWalk({
    from: log.from ?? { seq: 0, hash: log.chain },
    chain: log.chain,
    keys: log.keys,
    unsignedUpTo: 0,
    ...(online ? { seal: isSealed } : {}),
  });
  for (const checkpoint of log.checkpoints) walk.expect(checkpoint);
  for (const entry of log.entries) {
    const fault = walk.take(entry);
    if (fault !== undefined) return fault;
  }
  return walk.end();
}
