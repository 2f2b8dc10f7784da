/** The audit log as the API shows it. */
import { JsonObject, Timestamp } from './common.ts';
import { type Static, Type } from './typebox.ts';

const Text = Type.Union([Type.String(), Type.Null()]);

export const AUDIT_OUTCOMES = ['ok', 'refused', 'failed'] as const;

export const AuditRecord = Type.Object({
  audit_id: Type.Integer(),
  /** Place in the chain; null for about a second, until it is chained. */
  seq: Type.Union([Type.Integer(), Type.Null()]),
  time: Timestamp,
  actor_kind: Type.String(),
  /** Id and name; null once they were erased. */
  actor_id: Text,
  actor: Text,
  /** The operation's id, or the name of what OPMAS did by itself. */
  action: Type.String(),
  object: Text,
  outcome: Type.Enum([...AUDIT_OUTCOMES]),
  /** Secrets are masked as `***`, erased names as `(erased)`. */
  details: JsonObject,
  before: Type.Unknown(),
  after: Type.Unknown(),
  remote: Text,
  user_agent: Text,
  request_id: Text,
  /** Personal data of this row was erased. */
  erased: Type.Boolean(),
});
export type AuditRecord = Static<typeof AuditRecord>;

export const AUDIT_FAULTS = [
  'row_changed',
  'row_missing',
  'row_unchained',
  'order',
  'personal_changed',
  'personal_missing',
  'chain_rewritten',
  'tail_cut',
  'checkpoint_signature',
  'incomplete',
] as const;

/** The first thing that is wrong, and where. */
export const AuditFault = Type.Object({
  kind: Type.Enum([...AUDIT_FAULTS]),
  /** Place in the chain. */
  seq: Type.Integer(),
  /** The row, where one can be named. */
  audit_id: Type.Union([Type.Integer(), Type.Null()]),
  message: Type.String(),
});
export type AuditFault = Static<typeof AuditFault>;

/** A public key of checkpoints: the 32 bytes of an Ed25519 key, base64url. */
export const AuditKey = Type.Object({
  key_id: Type.String({ minLength: 1, maxLength: 64 }),
  algorithm: Type.Literal('ed25519'),
  public_key: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
});
export type AuditKey = Static<typeof AuditKey>;

/** One stretch of a verification: pass `next_cursor` back until it is null or `ok` is false. */
export const AuditVerification = Type.Object({
  ok: Type.Boolean(),
  fault: Type.Union([AuditFault, Type.Null()]),
  /** First and last link of this stretch. */
  from: Type.Integer(),
  to: Type.Integer(),
  /** Links in the whole chain. */
  total: Type.Integer(),
  /** Signed checkpoints that agreed in this stretch. */
  checkpoints: Type.Integer(),
  /** Rows that are written and not chained yet. */
  waiting: Type.Integer(),
  /** With which the checkpoints were verified; to be pinned for `opmas audit verify FILE --key`. */
  keys: Type.Array(AuditKey),
  next_cursor: Text,
});
export type AuditVerification = Static<typeof AuditVerification>;
