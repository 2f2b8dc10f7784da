/** Signed statements of how far the chain had come: kept outside the database, they show what was cut or rewritten. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { type AuditKey, canonicalJson, type Static, Type } from '@opmas/protocol';

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });

export const Checkpoint = Type.Object({
  /** Of which chain: the hash it begins with. */
  chain: Hash,
  seq: Type.Integer({ minimum: 0 }),
  hash: Hash,
  /** Rows in the chain up to here. */
  count: Type.Integer({ minimum: 0 }),
  time: Type.String({ maxLength: 32 }),
  key_id: Type.String({ minLength: 1, maxLength: 64 }),
  /** Ed25519, base64url. */
  signature: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }),
});
export type Checkpoint = Static<typeof Checkpoint>;

/** What precedes the 32 bytes in PKCS #8 (RFC 8410) and SubjectPublicKeyInfo. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** @param key an Ed25519 seed of 32 bytes with its id */
export function signCheckpoint(
  statement: Omit<Checkpoint, 'key_id' | 'signature'>,
  key: { id: string; bytes: Uint8Array },
): Checkpoint {
  const full = { ...statement, key_id: key.id };
  const signature = sign(null, textOf(full), privateKey(key.bytes)).toString('base64url');
  return { ...full, signature };
}

/** False also when no key of that id is given. */
export function isGenuine(checkpoint: Checkpoint, keys: readonly AuditKey[]): boolean {
  const key = keys.find(({ key_id }) => key_id === checkpoint.key_id);
  if (key === undefined) return false;
  const signature = Buffer.from(checkpoint.signature, 'base64url');
  return verify(null, textOf(checkpoint), publicKey(key.public_key), signature);
}

export function auditKey(key: { id: string; bytes: Uint8Array }): AuditKey {
  const der = createPublicKey(privateKey(key.bytes)).export({ type: 'spki', format: 'der' });
  const public_key = der.subarray(SPKI.length).toString('base64url');
  return { key_id: key.id, algorithm: 'ed25519', public_key };
}

function textOf({ chain, seq, hash, count, time, key_id }: Omit<Checkpoint, 'signature'>): Buffer {
  const text = canonicalJson({ chain, seq, hash, count, time, key_id });
  // Said first, so that a signature made here is good for nothing else.
  return Buffer.from(`opmas audit checkpoint v1\n${text}`);
}

function privateKey(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([PKCS8, seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function publicKey(text: string): KeyObject {
  const der = Buffer.concat([SPKI, Buffer.from(text, 'base64url')]);
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}
