/** Access tokens: EdDSA JWTs (RFC 9068) of ten minutes (people) or an hour (agents). */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { errors, type JWTHeaderParameters, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Caller } from '../../operation.ts';
import type { KeyChain } from '../../platform/ports.ts';

export const ACCESS_SECONDS = 600;
export const AGENT_SECONDS = 3_600;
const ISSUER = 'opmas';
const AUDIENCE = 'opmas-api';
const TYPE = 'at+jwt';
const ALGORITHM = 'EdDSA';
/** Ed25519 private key, PKCS#8, in front of the 32-byte seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const VERIFIED_MAX = 5_000;
const TOKEN_MAX = 4_096;
/** Clocks of replicas may differ this much. */
const SKEW_SECONDS = 60;
/** An unknown key id makes us look for new keys, at most this often: forged ids must not reach the database. */
const LOOK_AGAIN_MS = 1_000;

export interface Claims {
  caller: Caller;
  /** Session of a person; undefined for agents. */
  sessionId: string | undefined;
  /** Milliseconds since 1970. */
  issuedAt: number;
  expiresAt: number;
}

export interface Tokens {
  issue(
    caller: Omit<Caller, 'grants'>,
    options: { seconds: number; sessionId?: string },
  ): Promise<string>;
  /** @throws {OpmasError} OPMAS_UNAUTHENTICATED when it is forged, foreign or expired. */
  verify(token: string): Promise<Claims>;
  /** Takes over keys that were made or dropped elsewhere. With the database away the known ones stay. */
  refreshKeys(): Promise<void>;
}

interface SigningKey {
  id: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** The newest key signs, all that are kept verify; replicas share them through `chain`. */
export function createTokens(chain: KeyChain, clock: Clock): Tokens {
  let known: readonly SigningKey[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  const verified = new Map<string, { claims: Claims; key: string }>();

  let looking: Promise<void> | undefined;

  /** One look for all who wait for it: of many tokens after a start none is judged before it. */
  function look(): Promise<void> {
    looking ??= (async () => {
      lookedAt = clock.monotonic();
      const keys = await chain.keys('access-token');
      known = keys.map(
        ({ id, bytes }) => known.find((key) => key.id === id) ?? signingKey(id, bytes),
      );
    })().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  async function newest(): Promise<SigningKey> {
    if (known.length === 0) await look();
    const key = known[0];
    if (key === undefined) throw new Error('the key chain has no access-token key');
    return key;
  }

  async function keyOf(id: unknown): Promise<SigningKey> {
    const find = () => known.find((key) => key.id === id);
    const isDue =
      looking !== undefined || known.length === 0 || clock.monotonic() - lookedAt >= LOOK_AGAIN_MS;
    if (find() === undefined && isDue) {
      try {
        await look();
      } catch (error) {
        // With keys at hand the id is simply unknown; without any, nobody can be judged yet.
        if (known.length === 0) throw error;
      }
    }
    const key = find();
    if (key === undefined) throw invalid();
    return key;
  }

  function remember(token: string, claims: Claims, key: string): void {
    if (verified.size >= VERIFIED_MAX) {
      const oldest = verified.keys().next();
      if (!oldest.done) verified.delete(oldest.value);
    }
    verified.set(token, { claims, key });
  }

  /** What was verified before, while it and its key still hold. */
  function remembered(token: string): Claims | undefined {
    const entry = verified.get(token);
    if (entry === undefined) return undefined;
    const { claims, key } = entry;
    const holds = claims.expiresAt > clock.now() && known.some(({ id }) => id === key);
    if (holds) return claims;
    verified.delete(token);
    return undefined;
  }

  async function verify(token: string): Promise<Claims> {
    const before = remembered(token);
    if (before !== undefined) return before;
    const { kid } = strictHeader(token);
    const key = await keyOf(kid);
    try {
      const { payload } = await jwtVerify(token, key.publicKey, {
        issuer: ISSUER,
        audience: AUDIENCE,
        typ: TYPE,
        algorithms: [ALGORITHM],
        currentDate: new Date(clock.now()),
        requiredClaims: ['sub', 'exp', 'iat', 'jti', 'client_id'],
      });
      const claims = claimsOf(payload as Record<string, unknown>, clock.now());
      remember(token, claims, key.id);
      return claims;
    } catch (error) {
      if (error instanceof OpmasError) throw error;
      if (error instanceof errors.JWTExpired) {
        throw unauthenticated('The access token has expired', error);
      }
      throw invalid(error);
    }
  }

  return {
    issue: async (caller, { seconds, sessionId }) => {
      const { id, privateKey } = await newest();
      const now = clock.now() / 1_000;
      const jwt = new SignJWT({
        kind: caller.kind,
        name: caller.name,
        roles: [...caller.roles],
        client_id: caller.kind,
        ...(sessionId === undefined ? {} : { sid: sessionId }),
      });
      return (
        jwt
          .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: id })
          .setIssuer(ISSUER)
          .setAudience(AUDIENCE)
          .setSubject(caller.id)
          // With milliseconds: what changed within the second must still tell before from after.
          .setIssuedAt(now)
          .setExpirationTime(Math.floor(now) + seconds)
          .setJti(crypto.randomUUID())
          .sign(privateKey)
      );
    },
    verify,
    refreshKeys: look,
  };
}

function signingKey(id: string, seed: Uint8Array): SigningKey {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  return { id, privateKey, publicKey: createPublicKey(privateKey) };
}

/**
 * We alone write these tokens, and always the same way: a header with other fields, or a part in another
 * spelling (spaces, a claim given twice, loose base64) is not ours, whatever its signature says.
 */
function strictHeader(token: string): JWTHeaderParameters {
  const parts = token.split('.');
  if (token.length > TOKEN_MAX || parts.length !== 3) throw invalid();
  const [head = '', body = '', signature = ''] = parts;
  const header = canonicalJson(head);
  if (canonicalJson(body) === undefined || canonicalBytes(signature)?.length !== 64)
    throw invalid();
  if (header === undefined || Object.keys(header).sort().join(' ') !== 'alg kid typ')
    throw invalid();
  if (header['typ'] !== TYPE) throw invalid();
  return header as unknown as JWTHeaderParameters;
}

function canonicalJson(part: string): Record<string, unknown> | undefined {
  const text = canonicalBytes(part)?.toString('utf8');
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && JSON.stringify(value) === text
      ? (value as Record<string, unknown>)
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function canonicalBytes(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}

function claimsOf(payload: Record<string, unknown>, now: number): Claims {
  const { kind, sub, name, roles, sid, aud, iat, exp } = payload;
  if (
    (kind !== 'user' && kind !== 'agent') ||
    typeof sub !== 'string' ||
    typeof name !== 'string' ||
    typeof aud !== 'string' ||
    typeof iat !== 'number' ||
    typeof exp !== 'number' ||
    !isTexts(roles) ||
    (sid !== undefined && typeof sid !== 'string')
  ) {
    throw invalid();
  }
  const life = kind === 'user' ? ACCESS_SECONDS : AGENT_SECONDS;
  if (iat > now / 1_000 + SKEW_SECONDS || exp - iat > life) throw invalid();
  return {
    caller: { kind, id: sub, name, roles, grants: [] },
    sessionId: sid,
    issuedAt: Math.round(iat * 1_000),
    expiresAt: exp * 1_000,
  };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function invalid(cause?: unknown): OpmasError {
  return new OpmasError('OPMAS_UNAUTHENTICATED', 'The access token is not valid', {
    isGuess: true,
    ...(cause === undefined ? {} : { cause }),
  });
}

export function unauthenticated(message: string, cause?: unknown): OpmasError {
  return new OpmasError('OPMAS_UNAUTHENTICATED', message, cause === undefined ? {} : { cause });
}
