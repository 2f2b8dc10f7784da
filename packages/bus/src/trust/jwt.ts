/** NATS JWTs (version 2, ed25519-nkey): operator, account, user; encoded and read without a library. */
import { randomBytes } from 'node:crypto';
import { BusError } from '../errors.ts';
import type { ServiceImport } from './api-prefix.ts';
import { publicKeyOf, signWithSeed, verifySignature } from './nkeys.ts';

/** What a user may do. `resp` lets it answer a request without a right to publish to inboxes. */
export interface Permissions {
  pub: { allow: string[] };
  sub: { allow: string[] };
  /** `ttl` in nanoseconds, as NATS wants it. */
  resp?: { max: number; ttl: number };
}

export interface OperatorClaims {
  name: string;
  operatorSeed: string;
  /** Public keys that may sign accounts in the operator's place. */
  signingKeys: readonly string[];
  systemAccount: string;
  issuedAt: number;
}

export interface AccountClaims {
  name: string;
  publicKey: string;
  /** An operator's seed (identity or signing key). */
  signerSeed: string;
  signingKeys?: readonly string[];
  /** JetStream for this account, without limits of its own; the system account must not have it. */
  jetstream: boolean;
  /** What it may ask of other accounts. */
  imports?: readonly ServiceImport[];
  /** User public key (or `*`) → Unix seconds: what was issued up to then is refused. */
  revocations?: Readonly<Record<string, number>>;
  /** Unix seconds. */
  issuedAt: number;
}

export interface UserClaims {
  name: string;
  publicKey: string;
  /** The account's seed, or a signing key of it: then `issuerAccount` is needed. */
  signerSeed: string;
  issuerAccount?: string;
  permissions?: Permissions;
  /** Unix seconds. Revocation compares with this. */
  issuedAt: number;
  /** Unix seconds; absent: never expires. */
  expiresAt?: number;
}

/** What all JWTs of NATS share; `nats` is the part of its kind. */
export interface DecodedJwt {
  iss: string;
  sub: string;
  name: string;
  iat: number;
  exp?: number;
  nats: Record<string, unknown>;
}

export function encodeOperatorJwt(claims: OperatorClaims): string {
  const subject = publicKeyOf(claims.operatorSeed);
  return signClaims(claims.operatorSeed, subject, claims, {
    signing_keys: [...claims.signingKeys],
    system_account: claims.systemAccount,
    type: 'operator',
    version: 2,
  });
}

/** Limits are written out: an absent one counts as nothing allowed. */
export function encodeAccountJwt(claims: AccountClaims): string {
  const unlimited = {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    wildcards: true,
    conn: -1,
    leaf: -1,
  };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  return signClaims(claims.signerSeed, claims.publicKey, claims, {
    limits: claims.jetstream ? { ...unlimited, ...storage } : unlimited,
    ...(claims.signingKeys === undefined ? {} : { signing_keys: [...claims.signingKeys] }),
    ...(claims.imports === undefined ? {} : { imports: [...claims.imports] }),
    ...(claims.revocations === undefined || Object.keys(claims.revocations).length === 0
      ? {}
      : { revocations: { ...claims.revocations } }),
    type: 'account',
    version: 2,
  });
}

export function encodeUserJwt(claims: UserClaims): string {
  const { pub = {}, sub = {}, resp } = claims.permissions ?? {};
  return signClaims(claims.signerSeed, claims.publicKey, claims, {
    pub,
    sub,
    ...(resp === undefined ? {} : { resp }),
    subs: -1,
    data: -1,
    payload: -1,
    ...(claims.issuerAccount === undefined ? {} : { issuer_account: claims.issuerAccount }),
    type: 'user',
    version: 2,
  });
}

/**
 * Reads a JWT and proves its signature by the issuer it names. It does not say whether that issuer is
 * trusted, nor whether the JWT has expired.
 * @throws {BusError} OPMAS_INVALID_FORMAT
 */
export function decodeJwt(jwt: string): DecodedJwt {
  const bad = (why: string, cause?: unknown) =>
    new BusError('OPMAS_INVALID_FORMAT', `not a NATS JWT: ${why}`, { cause });
  const parts = jwt.trim().split('.');
  const [head, body, signature] = parts;
  if (parts.length !== 3 || !head || !body || !signature) throw bad('expected three parts');
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
  } catch (error) {
    throw bad('the claims are not JSON', error);
  }
  if (!isClaims(claims)) throw bad('iss, sub, iat or nats is missing');
  if (
    !verifySignature(
      claims.iss,
      Buffer.from(`${head}.${body}`),
      Buffer.from(signature, 'base64url'),
    )
  ) {
    throw bad('the signature is not the issuer’s');
  }
  return claims;
}

function isClaims(value: unknown): value is DecodedJwt {
  if (typeof value !== 'object' || value === null) return false;
  const has = (key: string, type: string) => typeof Reflect.get(value, key) === type;
  const exp: unknown = Reflect.get(value, 'exp');
  return (
    has('iss', 'string') &&
    has('sub', 'string') &&
    has('name', 'string') &&
    has('iat', 'number') &&
    has('nats', 'object') &&
    Reflect.get(value, 'nats') !== null &&
    (exp === undefined || typeof exp === 'number')
  );
}

/** Claims of any kind, signed; `nats` is the part of their kind. */
export function signClaims(
  signerSeed: string,
  subject: string,
  claims: { name: string; issuedAt: number; expiresAt?: number },
  nats: Record<string, unknown>,
): string {
  const body = {
    jti: randomBytes(20).toString('hex').toUpperCase(),
    iat: claims.issuedAt,
    iss: publicKeyOf(signerSeed),
    name: claims.name,
    sub: subject,
    ...(claims.expiresAt === undefined ? {} : { exp: claims.expiresAt }),
    nats,
  };
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(body)}`;
  return `${text}.${Buffer.from(signWithSeed(signerSeed, Buffer.from(text))).toString('base64url')}`;
}
