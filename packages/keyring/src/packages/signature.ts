/** Ed25519 signatures of packages: who vouches for exactly these files. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { check, type Static, Type } from '@opmas/protocol';
import { packageLimits } from './limits.ts';
import { codeOf, RefusedPackage } from './refused.ts';
import { readPlainFile, SIGNATURE_FILE } from './tree.ts';

/** The content of `.opmas-signature`. */
export const PackageSignature = Type.Object(
  {
    key_id: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    algorithm: Type.Literal('ed25519'),
    digest: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    signed_at: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' }),
    signature: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }),
  },
  { additionalProperties: false },
);
export type PackageSignature = Static<typeof PackageSignature>;

/** PEM texts: PKCS#8 and SPKI. */
export interface SigningKey {
  privateKey: string;
  publicKey: string;
  keyId: string;
}

export function newSigningKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: pemOf(publicKey),
    keyId: idOf(publicKey),
  };
}

/**
 * The public key in a PEM text, in one spelling, with its id: the first 128 bits of its SHA-256.
 * @throws {RefusedPackage} `bad_key`; a private key is refused too, so that none is ever handed on.
 */
export function readPublicKey(pem: string): { publicKey: string; keyId: string } {
  const key = publicKeyOf(pem);
  return { publicKey: pemOf(key), keyId: idOf(key) };
}

/**
 * Signs a digest. The time is covered by the signature.
 * @throws {RefusedPackage} `bad_key` when `privateKey` is no ed25519 private key in PEM.
 */
export function signDigest(digest: string, privateKey: string, at: Date): PackageSignature {
  const key = privateKeyOf(privateKey);
  const key_id = idOf(createPublicKey(key));
  const claims = { key_id, algorithm: 'ed25519', digest, signed_at: at.toISOString() } as const;
  return { ...claims, signature: sign(null, messageOf(claims), key).toString('base64url') };
}

/** Did the owner of `publicKey` (PEM) sign this? Says nothing of whether the digest is that of any files. */
export function isSignedBy(signature: PackageSignature, publicKey: string): boolean {
  const key = publicKeyOf(publicKey);
  const bytes = Buffer.from(signature.signature, 'base64url');
  return idOf(key) === signature.key_id && verify(null, messageOf(signature), key, bytes);
}

/**
 * The signature that lies in a package.
 * @returns undefined when it has none
 * @throws {RefusedPackage} `signature_invalid` when there is a file that is no signature.
 */
export async function readSignature(dir: string): Promise<PackageSignature | undefined> {
  const bytes = await readPlainFile(`${dir}/${SIGNATURE_FILE}`, packageLimits.signatureBytes);
  if (bytes === undefined) return undefined;
  let data: unknown;
  try {
    data = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new RefusedPackage('signature_invalid', `${SIGNATURE_FILE} is not JSON; sign it again`);
  }
  if (check(PackageSignature, data)) return data;
  throw new RefusedPackage(
    'signature_invalid',
    `${SIGNATURE_FILE} is no package signature; sign the package again`,
  );
}

/** Nothing else that this key may ever sign begins like this. */
function messageOf(claims: Omit<PackageSignature, 'signature'>): Buffer {
  const { key_id, digest, signed_at } = claims;
  return Buffer.from(`opmas package signature 1\n${key_id}\n${digest}\n${signed_at}\n`);
}

function publicKeyOf(pem: string): KeyObject {
  if (!pem.includes('-----BEGIN PUBLIC KEY-----')) {
    throw new RefusedPackage('bad_key', 'not a public key in PEM (-----BEGIN PUBLIC KEY-----)');
  }
  return ed25519(() => createPublicKey(pem));
}

function privateKeyOf(pem: string): KeyObject {
  return ed25519(() => createPrivateKey(pem));
}

function ed25519(read: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch (error) {
    throw new RefusedPackage('bad_key', `the key cannot be read (${codeOf(error)})`);
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new RefusedPackage(
    'bad_key',
    `a key of type ed25519 is needed, not ${key.asymmetricKeyType ?? key.type}`,
  );
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

function idOf(key: KeyObject): string {
  const der = key.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex').slice(0, 32);
}
