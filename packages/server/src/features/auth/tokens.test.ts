import { createPrivateKey, hkdfSync, randomBytes } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { createTokens, type Tokens } from './tokens.ts';

const MASTER = randomBytes(32);
const CALLER = { kind: 'user', id: 'u1', name: 'ada', roles: ['admin'] } as const;
const REFUSED = { code: 'OPMAS_UNAUTHENTICATED', status: 401 };

let now = Date.UTC(2026, 0, 1);
let tokens: Tokens;
beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  tokens = createTokens(MASTER, { now: () => now, monotonic: () => now });
});

/** The key the server signs with: whoever holds the master key can still only say what is allowed. */
const ownKey = createPrivateKey({
  key: Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    Buffer.from(hkdfSync('sha256', MASTER, '', 'opmas access token v1', 32)),
  ]),
  format: 'der',
  type: 'pkcs8',
});

interface Forgery {
  claims?: Record<string, unknown>;
  issuer?: string;
  audience?: string;
  typ?: string;
  key?: Parameters<SignJWT['sign']>[0];
  alg?: string;
  without?: 'exp' | 'sub' | 'jti';
}

function forge(given: Forgery = {}): Promise<string> {
  const jwt = new SignJWT({ kind: 'user', name: 'ada', roles: ['admin'], ...given.claims })
    .setProtectedHeader({ alg: given.alg ?? 'EdDSA', typ: given.typ ?? 'at+jwt' })
    .setIssuer(given.issuer ?? 'opmas')
    .setAudience(given.audience ?? 'opmas-api')
    .setIssuedAt(now / 1_000);
  if (given.without !== 'sub') jwt.setSubject('u1');
  if (given.without !== 'exp') jwt.setExpirationTime(now / 1_000 + 600);
  if (given.without !== 'jti') jwt.setJti('j');
  return jwt.sign(given.key ?? ownKey);
}

describe('an access token', () => {
  test('says who it was issued to', async () => {
    const token = await tokens.issue(CALLER, { seconds: 600, sessionId: 's1' });
    const claims = await tokens.verify(token);
    expect(claims).toEqual({ caller: CALLER, sessionId: 's1', expiresAt: now + 600_000 });
    expect(await tokens.verify(token)).toEqual(claims);
  });

  test('of a replica with the same master key is taken', async () => {
    const replica = createTokens(MASTER, { now: () => now, monotonic: () => now });
    const token = await replica.issue(CALLER, { seconds: 600 });
    expect((await tokens.verify(token)).caller).toEqual(CALLER);
    expect((await tokens.verify(await forge())).caller).toEqual(CALLER);
  });

  test('ends with its time, also when it was seen before', async () => {
    const token = await tokens.issue(CALLER, { seconds: 600 });
    await tokens.verify(token);
    now += 600_001;
    await expect(tokens.verify(token)).rejects.toMatchObject(REFUSED);
    const fresh = createTokens(MASTER, { now: () => now, monotonic: () => now });
    await expect(fresh.verify(token)).rejects.toMatchObject(REFUSED);
  });

  test.each<[string, Forgery]>([
    ['another issuer', { issuer: 'evil' }],
    ['another audience', { audience: 'opmas' }],
    ['another type', { typ: 'JWT' }],
    ['another key', { key: createTokensKey() }],
    ['the public key as a shared secret', { alg: 'HS256', key: new Uint8Array(MASTER) }],
    ['no end', { without: 'exp' }],
    ['no subject', { without: 'sub' }],
    ['no id', { without: 'jti' }],
    ['a kind that has no tokens', { claims: { kind: 'local' } }],
    ['no roles', { claims: { roles: 'admin' } }],
    ['no name', { claims: { name: 7 } }],
  ])('with %s is refused', async (_, forgery) => {
    await expect(tokens.verify(await forge(forgery))).rejects.toMatchObject(REFUSED);
  });

  test('without a signature, cut, or changed is refused', async () => {
    const good = await tokens.issue(CALLER, { seconds: 600 });
    const [header = '', payload = '', signature = ''] = good.split('.');
    const changed = Buffer.from(payload, 'base64url').toString().replace('u1', 'u2');
    const unsigned = new UnsecuredJWT({ kind: 'user', name: 'ada', roles: ['admin'] })
      .setIssuer('opmas')
      .setAudience('opmas-api')
      .setSubject('u1')
      .encode();
    for (const token of [
      unsigned,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}.${payload}.${signature.slice(0, -4)}`,
      `${header}.${Buffer.from(changed).toString('base64url')}.${signature}`,
      '',
      '..',
      'x'.repeat(8_192),
    ]) {
      await expect(tokens.verify(token), token.slice(0, 40)).rejects.toMatchObject(REFUSED);
    }
  });
});

function createTokensKey() {
  return createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), randomBytes(32)]),
    format: 'der',
    type: 'pkcs8',
  });
}
