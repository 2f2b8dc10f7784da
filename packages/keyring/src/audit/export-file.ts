/** An export of the audit log, one JSON value a line: written by the server, verified by anybody without it. */
import { type AuditFault, AuditKey, check, type Static, Type } from '@opmas/protocol';
import { type ChainPoint, VERDICTS } from './chain.ts';
import { Checkpoint } from './checkpoint.ts';
import { createWalk, type Walk } from './walk.ts';

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Text = Type.Union([Type.String(), Type.Null()]);
const Seq = Type.Integer({ minimum: 0 });

export const ExportHeader = Type.Object({
  type: Type.Literal('opmas-audit'),
  version: Type.Literal(1),
  /** The hash the whole chain begins with. */
  chain: Hash,
  /** The link before the first of this export. */
  from: Type.Object({ seq: Seq, hash: Hash }),
  unsigned_up_to: Seq,
  keys: Type.Array(AuditKey, { maxItems: 1_000 }),
});
export type ExportHeader = Static<typeof ExportHeader>;

const Row = Type.Object({
  id: Seq,
  at: Type.String(),
  actor_kind: Type.String(),
  actor: Text,
  actor_id: Text,
  action: Type.String(),
  object: Text,
  outcome: Type.String(),
  details: Type.Unknown(),
  before: Type.Unknown(),
  after: Type.Unknown(),
  request_id: Text,
  personal: Type.Array(Hash),
  key_id: Text,
  hmac: Text,
});

export const ExportEntry = Type.Object({
  type: Type.Literal('entry'),
  link: Type.Object({
    seq: Seq,
    audit_id: Seq,
    verdict: Type.Enum([...VERDICTS]),
    prev_hash: Hash,
    hash: Hash,
  }),
  row: Type.Union([Row, Type.Null()]),
  personal: Type.Array(
    Type.Object({
      part: Seq,
      person_id: Text,
      name: Text,
      remote: Text,
      user_agent: Text,
      salt: Type.String(),
    }),
  ),
  erased: Type.Array(Seq),
});
export type ExportEntry = Static<typeof ExportEntry>;

export const ExportCheckpoint = Type.Object({
  type: Type.Literal('checkpoint'),
  checkpoint: Checkpoint,
});

/** The last line: signed, so that an export cut short is not taken for a whole one. */
export const ExportEnd = Type.Object({ type: Type.Literal('end'), checkpoint: Checkpoint });

export interface ExportVerdict {
  /** Links that were found good. */
  rows: number;
  from: number;
  to: number;
  checkpoints: number;
  /** Keys the signatures were verified with. */
  keys: readonly AuditKey[];
  fault: AuditFault | undefined;
}

/**
 * Reads an export to its end, or to the first thing that is wrong. Needs nothing but the lines.
 * @param pinned public keys (base64url) known from elsewhere: then no key of the export itself is
 * believed, which is what shows a whole export forged with a key of its own.
 */
export async function verifyExport(
  lines: AsyncIterable<string>,
  { pinned = [] }: { pinned?: readonly string[] } = {},
): Promise<ExportVerdict> {
  let state: { header: ExportHeader; keys: AuditKey[]; walk: Walk; rows: number } | undefined;
  let number = 0;
  let ahead = 0;
  const result = (fault: AuditFault | undefined): ExportVerdict => ({
    rows: state?.rows ?? 0,
    from: (state?.header.from.seq ?? 0) + 1,
    to: state?.walk.at().seq ?? 0,
    checkpoints: state?.walk.agreed() ?? 0,
    keys: state?.keys ?? [],
    fault,
  });
  const unreadable = (what: string): ExportVerdict =>
    result(broken(state?.walk.at(), `Line ${number}: ${what}`));

  for await (const line of lines) {
    number += 1;
    if (line.trim() === '') continue;
    const value = parsed(line);
    if (state === undefined) {
      if (!check(ExportHeader, value)) return unreadable('this is no export of an audit log');
      const keys = believed(value.keys, pinned);
      state = { header: value, keys, walk: walkOf(value, keys), rows: 0 };
    } else if (check(ExportCheckpoint, value)) {
      ahead += 1;
      if (ahead > MAX_AHEAD) return unreadable('too many checkpoints before an entry');
      state.walk.expect(value.checkpoint);
    } else if (check(ExportEntry, value)) {
      ahead = 0;
      const { link, row, personal, erased } = value;
      const fault = state.walk.take({ link, row: row ?? undefined, personal, erased });
      if (fault !== undefined) return result(fault);
      state.rows += 1;
    } else if (check(ExportEnd, value)) {
      if (value.checkpoint.seq < state.walk.at().seq) {
        return unreadable(`rows follow ${value.checkpoint.seq}, where the export says it ends`);
      }
      state.walk.expect(value.checkpoint);
      return result(state.walk.end());
    } else return unreadable('this is no line of an export');
  }
  return result(broken(state?.walk.at(), 'The export ends before its signed end'));
}

/** Checkpoints in a row, without an entry between. */
const MAX_AHEAD = 10_000;

function walkOf(header: ExportHeader, keys: readonly AuditKey[]): Walk {
  const { from, chain, unsigned_up_to } = header;
  return createWalk({ from, chain, keys, unsignedUpTo: unsigned_up_to });
}

function believed(keys: readonly AuditKey[], pinned: readonly string[]): AuditKey[] {
  return pinned.length === 0
    ? [...keys]
    : keys.filter(({ public_key }) => pinned.includes(public_key));
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // the caller names the line
  }
}

function broken(at: ChainPoint | undefined, message: string): AuditFault {
  return { kind: 'incomplete', seq: (at?.seq ?? 0) + 1, audit_id: null, message };
}
