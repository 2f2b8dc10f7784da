/** Verifies the chain link by link, in the order of the chain, and names the first thing that is wrong. */
import type { AuditFault, AuditKey } from '@opmas/protocol';
import { type ChainLink, type ChainPoint, linkHash } from './chain.ts';
import { type Checkpoint, isGenuine } from './checkpoint.ts';
import { type AuditRow, commitment, type PersonalPart } from './row.ts';

/** One link with what it stands for. */
export interface ChainEntry {
  link: ChainLink;
  row: AuditRow | undefined;
  personal: readonly PersonalPart[];
  /** Parts that were erased on request, and so may be absent. */
  erased: readonly number[];
}

export interface WalkOptions {
  /** Where the walk begins; what lies before it was verified or is not asked for. */
  from: ChainPoint;
  /** The hash the whole chain begins with. */
  chain: string;
  keys: readonly AuditKey[];
  /** Is the row's own seal good? Absent where the key is not at hand. */
  seal?: (row: AuditRow) => boolean;
  /** Rows up to this id may be older than seals. */
  unsignedUpTo: number;
}

export interface Walk {
  /** A statement about a link that is still to come, or about where the walk stands. */
  expect(checkpoint: Checkpoint): void;
  /** Looks at the next link. After a fault every answer is that fault: what follows proves nothing. */
  take(entry: ChainEntry): AuditFault | undefined;
  /** Nothing follows: were more links vouched for than there are? */
  end(): AuditFault | undefined;
  /** The last link that was found good. */
  at(): ChainPoint;
  /** Checkpoints that agreed. */
  agreed(): number;
}

export function createWalk(options: WalkOptions): Walk {
  const { from, keys, chain } = options;
  let expected: Checkpoint[] = [];
  let at = from;
  let vouched = from.seq;
  let agreed = 0;
  let fault: AuditFault | undefined;

  /** Compares what was said of the point where the walk stands; what was said of earlier ones is not asked. */
  function hear(audit_id: number | null): AuditFault | undefined {
    const heard = expected.filter(({ seq }) => seq <= at.seq);
    if (heard.length === 0) return undefined;
    expected = expected.filter(({ seq }) => seq > at.seq);
    for (const statement of heard) {
      if (statement.seq < at.seq) continue;
      if (!isGenuine(statement, keys)) return unsigned(statement, audit_id);
      if (statement.hash !== at.hash || statement.chain !== chain) {
        return rewritten(Math.min(vouched + 1, at.seq), at.seq);
      }
      vouched = at.seq;
      agreed += 1;
    }
    return undefined;
  }

  function look(entry: ChainEntry): AuditFault | undefined {
    const wrong =
      hear(null) ?? lookAtLink(entry, at) ?? lookAtRow(entry, options) ?? lookAtPersonal(entry);
    if (wrong !== undefined) return wrong;
    const before = at;
    at = { seq: entry.link.seq, hash: entry.link.hash };
    const refused = hear(entry.link.audit_id);
    if (refused !== undefined) at = before;
    return refused;
  }

  function lookBeyond(): AuditFault | undefined {
    const heard = hear(null);
    if (heard !== undefined) return heard;
    const next = expected.toSorted((a, b) => a.seq - b.seq)[0];
    if (next === undefined) return undefined;
    if (!isGenuine(next, keys)) return unsigned(next, null);
    return {
      kind: 'tail_cut',
      seq: at.seq + 1,
      audit_id: null,
      message: `The chain ends at ${at.seq}, but a checkpoint of ${next.time} vouches for ${next.seq}: links from ${at.seq + 1} are gone, or all after ${vouched} were rewritten`,
    };
  }

  return {
    expect: (checkpoint) => void expected.push(checkpoint),
    take: (entry) => {
      fault ??= look(entry);
      return fault;
    },
    end: () => {
      fault ??= lookBeyond();
      return fault;
    },
    at: () => at,
    agreed: () => agreed,
  };
}

function lookAtLink({ link }: ChainEntry, at: ChainPoint): AuditFault | undefined {
  const expected = at.seq + 1;
  if (link.seq > expected) {
    return {
      kind: 'row_missing',
      seq: expected,
      audit_id: null,
      message: `Link ${expected} is missing: ${link.seq} follows ${at.seq}`,
    };
  }
  if (link.seq < expected || link.prev_hash !== at.hash) {
    return {
      kind: 'order',
      seq: expected,
      audit_id: link.audit_id,
      message: `Link ${link.seq} does not follow ${at.seq}: links were moved, changed or put in`,
    };
  }
  return undefined;
}

function lookAtRow(
  { link, row }: ChainEntry,
  { seal, unsignedUpTo }: WalkOptions,
): AuditFault | undefined {
  const { seq, audit_id, verdict } = link;
  const wrong = (kind: AuditFault['kind'], message: string): AuditFault => ({
    kind,
    seq,
    audit_id,
    message: `Row ${audit_id} (link ${seq}): ${message}`,
  });
  if (row !== undefined && row.id !== audit_id) return wrong('order', `row ${row.id} stands here`);
  if (linkHash(link, row) !== link.hash) {
    if (row === undefined) return wrong('row_missing', 'it was deleted after it was chained');
    return seal?.(row) === true
      ? wrong('order', 'the row is genuine, its link in the chain was changed')
      : wrong('row_changed', 'it is not what was chained');
  }
  if (verdict === 'missing') return wrong('row_missing', 'it was deleted before it was chained');
  if (row === undefined) return wrong('row_missing', 'it was deleted after it was chained');
  if (verdict === 'tampered') {
    return wrong('row_changed', 'its seal was not good when it was chained');
  }
  if (verdict === 'unsigned' && audit_id > unsignedUpTo) {
    return wrong('row_changed', 'it has no seal although it is newer than seals');
  }
  if (verdict === 'sealed' && seal?.(row) === false) {
    return wrong('row_changed', 'its seal is not good: row and chain were rewritten');
  }
  return undefined;
}

function lookAtPersonal({ link, row, personal, erased }: ChainEntry): AuditFault | undefined {
  const wrong = (kind: AuditFault['kind'], message: string): AuditFault => ({
    kind,
    seq: link.seq,
    audit_id: link.audit_id,
    message: `Row ${link.audit_id} (link ${link.seq}): ${message}`,
  });
  const expected = row?.personal ?? [];
  for (const [part, hash] of expected.entries()) {
    const found = personal.find((each) => each.part === part);
    if (found === undefined) {
      if (!erased.includes(part)) {
        return wrong('personal_missing', `who it was (part ${part}) is gone without an erasure`);
      }
    } else if (commitment(found) !== hash) {
      return wrong('personal_changed', `who it was (part ${part}) was changed`);
    }
  }
  const more = personal.find(({ part }) => part >= expected.length);
  return more === undefined
    ? undefined
    : wrong('personal_changed', `part ${more.part} was put in later`);
}

function unsigned(checkpoint: Checkpoint, audit_id: number | null): AuditFault {
  return {
    kind: 'checkpoint_signature',
    seq: checkpoint.seq,
    audit_id,
    message: `The checkpoint at ${checkpoint.seq} is not signed by a known key (${checkpoint.key_id})`,
  };
}

function rewritten(first: number, last: number): AuditFault {
  return {
    kind: 'chain_rewritten',
    seq: first,
    audit_id: null,
    message: `The chain was rewritten somewhere in ${first} to ${last}: the checkpoint at ${last} vouches for another`,
  };
}
