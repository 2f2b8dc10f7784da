/**
 * Sealed values: AES-256-GCM under a key made for this value alone, which the master key wraps. Both
 * layers are bound to the place the value stands in, so a ciphertext moved elsewhere does not open.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { KeyringError } from './errors.ts';
import { limits } from './limits.ts';
import type { Keyring, MasterKey } from './master-key.ts';

const CIPHER = 'aes-256-gcm';
const FORM = 'v1';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;
const TEXT = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{80})\.([A-Za-z0-9_-]{38,})$/;

/** Where a sealed value stands. All of it is authenticated. */
export interface Place {
  table: string;
  /** Of the row; several key columns as a JSON list. */
  id: string;
  column: string;
  /** Of what is stored there: another meaning of the same column is another version. */
  version: number;
}

/** `v1.<master key id>.<wrapped key>.<nonce, ciphertext, tag>`, base64url. */
export function seal(keyring: Keyring, place: Place, plain: string | Uint8Array): string {
  const [master] = keyring.keys();
  const key = randomBytes(KEY_BYTES);
  try {
    const body = encrypt(key, aad(place, 'value'), bytesOf(plain));
    return textOf(master, place, key, body.toString('base64url'));
  } finally {
    key.fill(0);
  }
}

/** @throws {KeyringError} OPMAS_SECRET_UNREADABLE when it was changed, moved, or its key is missing */
export function open(keyring: Keyring, place: Place, sealed: string): Uint8Array {
  const parts = partsOf(place, sealed);
  const key = unwrap(keyring, place, parts);
  try {
    return decrypt(key, aad(place, 'value'), Buffer.from(parts.body, 'base64url'), place);
  } finally {
    key.fill(0);
  }
}

/** The text that was sealed. @throws {KeyringError} as `open` */
export function openText(keyring: Keyring, place: Place, sealed: string): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
    open(keyring, place, sealed),
  );
}

/** The same value under the current master key: only the wrapped key changes, the value is not opened. */
export function reseal(keyring: Keyring, place: Place, sealed: string): string {
  const parts = partsOf(place, sealed);
  const [master] = keyring.keys();
  if (parts.keyId === master.id) return sealed;
  const key = unwrap(keyring, place, parts);
  try {
    return textOf(master, place, key, parts.body);
  } finally {
    key.fill(0);
  }
}

/** Id of the master key a value is sealed under; undefined when it is no sealed value. */
export function sealedUnder(sealed: string): string | undefined {
  return TEXT.exec(sealed)?.[1];
}

/** How every value sealed under this key begins: for finding them in a table. */
export function sealedPrefix(keyId: string): string {
  return `${FORM}.${keyId}.`;
}

interface Parts {
  keyId: string;
  wrapped: string;
  body: string;
}

function partsOf(place: Place, sealed: string): Parts {
  const match = sealed.length > limits.sealedBytes ? null : TEXT.exec(sealed);
  const [, keyId, wrapped, body] = match ?? [];
  if (keyId === undefined || wrapped === undefined || body === undefined) {
    throw unreadable(place, 'it is no sealed value');
  }
  return { keyId, wrapped, body };
}

function textOf(master: MasterKey, place: Place, key: Uint8Array, body: string): string {
  const wrapped = encrypt(master.wrapping, aad(place, 'key', master.id), key);
  const text = `${sealedPrefix(master.id)}${wrapped.toString('base64url')}.${body}`;
  if (text.length <= limits.sealedBytes) return text;
  throw new KeyringError(
    'OPMAS_TOO_LARGE',
    `What shall be kept in ${nameOf(place)} is too large to be sealed`,
    'Store less in one value',
  );
}

function unwrap(keyring: Keyring, place: Place, { keyId, wrapped }: Parts): Uint8Array {
  const master = keyring.find(keyId);
  if (master === undefined) {
    throw new KeyringError(
      'OPMAS_SECRET_UNREADABLE',
      `${nameOf(place)} is sealed under master key ${keyId}, which ${keyring.path} does not hold`,
      `Add the line of key ${keyId} from a backup of the file, or from the server that rotated it`,
    );
  }
  return decrypt(
    master.wrapping,
    aad(place, 'key', keyId),
    Buffer.from(wrapped, 'base64url').subarray(0, WRAPPED_BYTES),
    place,
  );
}

function encrypt(key: Uint8Array, data: Uint8Array, plain: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(data);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Uint8Array, data: Uint8Array, sealed: Buffer, place: Place): Uint8Array {
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(data);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    const plain = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([plain, decipher.final()]);
  } catch (error) {
    throw unreadable(place, 'it was changed, or belongs elsewhere', error);
  }
}

/** A list, so that no two places have the same bytes. */
function aad(place: Place, ...purpose: string[]): Uint8Array {
  const { table, id, column, version } = place;
  return Buffer.from(JSON.stringify(['opmas', FORM, ...purpose, table, id, column, version]));
}

function bytesOf(plain: string | Uint8Array): Uint8Array {
  return typeof plain === 'string' ? Buffer.from(plain) : plain;
}

function unreadable(place: Place, what: string, cause?: unknown): KeyringError {
  return new KeyringError(
    'OPMAS_SECRET_UNREADABLE',
    `The secret in ${nameOf(place)} cannot be opened: ${what}`,
    'Restore it from a backup, or set it anew',
    cause === undefined ? undefined : { cause },
  );
}

function nameOf({ table, id, column }: Place): string {
  return `${table} ${id} (${column})`;
}
