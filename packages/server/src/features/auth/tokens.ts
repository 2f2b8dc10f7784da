/** Access tokens: EdDSA JWTs of ten minutes (people) or an hour (agents), signed from the master key. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Caller } from '../../operation.ts';

export const ACCESS_SECONDS = 600;
export const AGENT_SECONDS = 3_600;
const ISSUER = 'opmas';
const AUDIENCE = 'opmas-api';
const TYPE = 'at+jwt';
/** Ed25519 private key, PKCS#8, in front of the 32-byte seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const VERIFIED_MAX = 5_000;

export interface Claims {
  caller: Caller;
  /** Session of a person; undefined for agents. */
  sessionId: string | undefined;
  expiresAt: number;
}

export interface Tokens {
  issue(caller: Caller, options: { seconds: number; sessionId?: string }): Promise<string>;
  /** @throws {OpmasError} OPMAS_UNAUTHENTICATED when it is forged, foreign or expired. */
  verify(token: string): Promise<Claims>;
}

/** The signing key is a function of the master key, so replicas that share it accept each other. */
export function createTokens(masterKey: Uint8Array, clock: Clock): Tokens {
  const seed = Buffer.from(hkdfSync('sha256', masterKey, '', 'opmas access token v1', 32));
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const publicKey = createPublicKey(privateKey);
  const kid = keyId(publicKey);
  const verified = new Map<string, Claims>();

  const remember = (token: string, claims: Claims) => {
    if (verified.size >= VERIFIED_MAX) {
      const oldest = verified.keys().next();
      if (!oldest.done) verified.delete(oldest.value);
    }
    verified.set(token, claims);
  };

  return {
    issue: (caller, { seconds, sessionId }) => {
      const now = Math.floor(clock.now() / 1_000);
      const jwt = new SignJWT({
        kind: caller.kind,
        name: caller.name,
        roles: [...caller.roles],
        client_id: caller.kind,
        ...(sessionId === undefined ? {} : { sid: sessionId }),
      });
      return jwt
        .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(caller.id)
        .setIssuedAt(now)
        .setExpirationTime(now + seconds)
        .setJti(crypto.randomUUID())
        .sign(privateKey);
    },
    verify: async (token) => {
      const known = verified.get(token);
      if (known !== undefined) {
        if (known.expiresAt > clock.now()) return known;
        verified.delete(token);
        throw unauthenticated('The access token has expired');
      }
      try {
        const { payload } = await jwtVerify(token, publicKey, {
          issuer: ISSUER,
          audience: AUDIENCE,
          typ: TYPE,
          algorithms: ['EdDSA'],
          currentDate: new Date(clock.now()),
          requiredClaims: ['sub', 'exp', 'iat', 'jti'],
        });
        const claims = claimsOf(payload as Record<string, unknown>);
        remember(token, claims);
        return claims;
      } catch (error) {
        if (error instanceof errors.JWTExpired) {
          throw unauthenticated('The access token has expired', error);
        }
        throw unauthenticated('The access token is not valid', error);
      }
    },
  };
}

function claimsOf(payload: Record<string, unknown>): Claims {
  const { kind, sub, name, roles, sid, exp } = payload;
  if (
    (kind !== 'user' && kind !== 'agent') ||
    typeof sub !== 'string' ||
    typeof name !== 'string' ||
    typeof exp !== 'number' ||
    !Array.isArray(roles)
  ) {
    throw unauthenticated('The access token is not valid');
  }
  return {
    caller: { kind, id: sub, name, roles: roles.filter((r) => typeof r === 'string') },
    sessionId: typeof sid === 'string' ? sid : undefined,
    expiresAt: exp * 1_000,
  };
}

function keyId(publicKey: KeyObject): string {
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(der).digest('base64url').slice(0, 16);
}

export function unauthenticated(message: string, cause?: unknown): OpmasError {
  return new OpmasError('OPMAS_UNAUTHENTICATED', message, cause === undefined ? {} : { cause });
}
