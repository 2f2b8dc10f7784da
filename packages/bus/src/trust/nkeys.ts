/** nkeys (https://docs.nats.io, NATS's Ed25519 key text form), signed by node:crypto: 0.05 ms, not 5 ms. */
import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { BusError } from '../errors.ts';

/** Prefix bytes: the first letter of the text form. */
const PREFIX = { operator: 14 << 3, account: 0, user: 20 << 3 } as const;
const SEED = 18 << 3;

export type NkeyKind = keyof typeof PREFIX;

/** `seed` is the secret (`SU…`, `SA…`, `SO…`); `public_key` may be shown. */
export interface Nkey {
  public_key: string;
  seed: string;
}

/** Makes a key pair. `random` gives the 32 secret bytes; the system's generator unless a test says so. */
export function createNkey(
  kind: NkeyKind,
  random: (size: number) => Uint8Array = randomBytes,
): Nkey {
  const seed = encodeSeed(kind, random(32));
  return { public_key: publicKeyOf(seed), seed };
}

/**
 * The public key of `seed`.
 * @throws {BusError} OPMAS_INVALID_FORMAT when it is no nkey seed.
 */
export function publicKeyOf(seed: string): string {
  const { kind, key } = openSeed(seed);
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return encodeText(Uint8Array.of(PREFIX[kind]), Buffer.from(x ?? '', 'base64url'));
}

/** Which kind of key `text` (seed or public key) is; undefined when it is none. */
export function nkeyKind(text: string): NkeyKind | undefined {
  const raw = decodeText(text);
  if (raw === undefined) return undefined;
  const first = raw[0] ?? 0;
  if (raw.length === 33) return kindOf(first);
  if (raw.length === 34 && (first & 0xf8) === SEED) return seedKind(raw);
  return undefined;
}

/** Signs with Ed25519: 64 bytes. @throws {BusError} OPMAS_INVALID_FORMAT for a bad seed. */
export function signWithSeed(seed: string, bytes: Uint8Array): Uint8Array {
  return signBytes(null, bytes, openSeed(seed).key);
}

/** Does `signature` prove that the holder of `publicKey` signed `bytes`? False for any malformed input. */
export function verifySignature(
  publicKey: string,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  const raw = decodeText(publicKey);
  if (raw?.length !== 33 || kindOf(raw[0] ?? 1) === undefined || signature.length !== 64)
    return false;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw.subarray(1)).toString('base64url') };
  return verifyBytes(null, bytes, createPublicKey({ key: jwk, format: 'jwk' }), signature);
}

function openSeed(seed: string): { kind: NkeyKind; key: KeyObject } {
  const raw = decodeText(seed);
  const kind = raw?.length === 34 && ((raw[0] ?? 0) & 0xf8) === SEED ? seedKind(raw) : undefined;
  if (raw === undefined || kind === undefined) {
    throw new BusError(
      'OPMAS_INVALID_FORMAT',
      'not an nkey seed: expected SO…, SA… or SU… with a valid checksum',
    );
  }
  const pkcs8 = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    raw.subarray(2),
  ]);
  return { kind, key: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }) };
}

function encodeSeed(kind: NkeyKind, secret: Uint8Array): string {
  const prefix = PREFIX[kind];
  return encodeText(Uint8Array.of(SEED | (prefix >> 5), (prefix & 31) << 3), secret);
}

function seedKind(raw: Uint8Array): NkeyKind | undefined {
  return kindOf((((raw[0] ?? 0) & 7) << 5) | (((raw[1] ?? 0) & 0xf8) >> 3));
}

function kindOf(prefix: number): NkeyKind | undefined {
  if (prefix === PREFIX.operator) return 'operator';
  if (prefix === PREFIX.account) return 'account';
  return prefix === PREFIX.user ? 'user' : undefined;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function encodeText(prefix: Uint8Array, payload: Uint8Array): string {
  const body = Buffer.concat([prefix, payload]);
  const sum = crc16(body);
  return base32(Buffer.concat([body, Buffer.from([sum & 0xff, sum >> 8])]));
}

/** Prefix and payload, or undefined when the text is not base32 or its checksum is wrong. */
function decodeText(text: string): Uint8Array | undefined {
  if (!/^[A-Z2-7]{56,58}$/.test(text)) return undefined;
  const out: number[] = [];
  let bits = 0;
  let value = 0;
  for (const letter of text) {
    value = ((value << 5) | ALPHABET.indexOf(letter)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push((value >>> bits) & 0xff);
    }
  }
  const raw = Uint8Array.from(out);
  const body = raw.subarray(0, raw.length - 2);
  const sum = crc16(body);
  const intact = raw.at(-2) === (sum & 0xff) && raw.at(-1) === sum >> 8;
  return intact && base32(raw) === text ? body : undefined;
}

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >>> bits) & 31];
    }
  }
  return bits > 0 ? text + ALPHABET[(value << (5 - bits)) & 31] : text;
}

/** CRC-16/XMODEM. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1;
  }
  return crc & 0xffff;
}
