import { createPrivateKey, randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import type { NamedKey } from '../../platform/ports.ts';
import { createTokens, type Tokens } from './tokens.ts';

const CALLER = { kind: 'user', id: 'u1', name: 'ada', roles: ['admin'] } as const;
const REFUSED = { code: 'OPMAS_UNAUTHENTICATED', status: 401 };

/** A key chain in memory, which counts how often it is asked and may be away. */
function memoryChain(...keys: NamedKey[]) {
  return {
    list: keys,
    asked: 0,
    away: false,
    async keys(): Promise<readonly NamedKey[]> {
      this.asked += 1;
      if (this.away) throw new Error('the database is away');
      return this.list;
    },
  };
}

const key = (id: string): NamedKey => ({ id, bytes: randomBytes(32), createdAt: 0 });

let now = Date.UTC(2026, 0, 1);
const clock = { now: () => now, monotonic: () => now };
let first: NamedKey;
let chain: ReturnType<typeof memoryChain>;
let tokens: Tokens;
beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  first = key('k1');
  chain = memoryChain(first);
  tokens = createTokens(chain, clock);
});

const headerOf = (token: string): unknown =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());

describe('an access token', () => {
  test('says who it was issued to', async () => {
    const token = await tokens.issue(CALLER, { seconds: 600, sessionId: 's1' });
    const claims = await tokens.verify(token);
    expect(claims).toEqual({
      caller: { ...CALLER, grants: [] },
      sessionId: 's1',
      issuedAt: now,
      expiresAt: now + 600_000,
    });
    expect(await tokens.verify(token)).toEqual(claims);
  });

  test('has the claims of RFC 9068', async () => {
    const token = await tokens.issue(CALLER, { seconds: 600 });
    expect(headerOf(token)).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' });
    const [, body = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(body, 'base64url').toString())).toMatchObject({
      iss: 'opmas',
      aud: 'opmas-api',
      sub: 'u1',
      client_id: 'user',
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
  });

  test('of a replica with the same keys is taken', async () => {
    const replica = createTokens(chain, clock);
    const token = await replica.issue(CALLER, { seconds: 600 });
    expect((await tokens.verify(token)).caller).toMatchObject(CALLER);
  });

  test('ends with its time, also when it was seen before', async () => {
    const token = await tokens.issue(CALLER, { seconds: 600 });
    await tokens.verify(token);
    now += 600_001;
    await expect(tokens.verify(token)).rejects.toMatchObject(REFUSED);
    await expect(createTokens(chain, clock).verify(token)).rejects.toMatchObject(REFUSED);
  });
});

describe('keys', () => {
  test('the newest signs, an older one verifies, a dropped one is worth nothing', async () => {
    const old = await tokens.issue(CALLER, { seconds: 600 });
    chain.list = [key('k2'), first];
    await tokens.refreshKeys();
    const young = await tokens.issue(CALLER, { seconds: 600 });
    expect(headerOf(young)).toMatchObject({ kid: 'k2' });
    await expect(tokens.verify(old)).resolves.toMatchObject({ caller: CALLER });
    await expect(tokens.verify(young)).resolves.toMatchObject({ caller: CALLER });
    chain.list = chain.list.slice(0, 1);
    await tokens.refreshKeys();
    await expect(tokens.verify(old)).rejects.toMatchObject(REFUSED);
  });

  test('a token of a key made elsewhere makes this replica look, once a second at most', async () => {
    await tokens.issue(CALLER, { seconds: 600 });
    const second = key('k2');
    const elsewhere = createTokens(memoryChain(second), clock);
    const token = await elsewhere.issue(CALLER, { seconds: 600 });
    now += 1_000;
    chain.asked = 0;
    for (let i = 0; i < 50; i++) {
      await expect(tokens.verify(token)).rejects.toMatchObject(REFUSED);
    }
    expect(chain.asked).toBe(1);
    chain.list = [second, first];
    now += 1_000;
    await expect(tokens.verify(token)).resolves.toMatchObject({ caller: CALLER });
  });

  test('while none could be read yet, nobody is called a forger', async () => {
    const token = await tokens.issue(CALLER, { seconds: 600 });
    const started = createTokens(chain, clock);
    chain.away = true;
    const away = expect.objectContaining({ message: expect.not.stringContaining('not valid') });
    await expect(started.verify(token)).rejects.toEqual(away);
    await expect(started.verify(token)).rejects.toEqual(away);
    chain.away = false;
    await expect(started.verify(token)).resolves.toMatchObject({ caller: CALLER });
  });

  test('are remembered while the database is away', async () => {
    const token = await tokens.issue(CALLER, { seconds: 600 });
    chain.away = true;
    now += 5_000;
    await expect(tokens.verify(token)).resolves.toMatchObject({ caller: CALLER });
    await expect(tokens.issue(CALLER, { seconds: 600 })).resolves.toBeTypeOf('string');
    const foreign = await createTokens(memoryChain(key('k9')), clock).issue(CALLER, {
      seconds: 600,
    });
    await expect(tokens.verify(foreign)).rejects.toMatchObject(REFUSED);
  });
});

describe('whoever holds a key can still only say what is allowed', () => {
  const privateKey = () =>
    createPrivateKey({
      key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), first.bytes]),
      format: 'der',
      type: 'pkcs8',
    });
  const sign = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
    new SignJWT({
      kind: 'user',
      name: 'ada',
      roles: ['admin'],
      client_id: 'user',
      iss: 'opmas',
      aud: 'opmas-api',
      sub: 'u1',
      iat: now / 1_000,
      exp: now / 1_000 + 600,
      jti: 'j',
      ...claims,
    })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1', ...header })
      .sign(privateKey());

  test('what it should say is taken', async () => {
    await expect(tokens.verify(await sign({}))).resolves.toMatchObject({ caller: CALLER });
  });

  test.each<[string, Record<string, unknown>]>([
    ['a kind that has no tokens', { kind: 'local' }],
    ['roles that are no list', { roles: 'admin' }],
    ['roles that are no texts', { roles: [1] }],
    ['a name that is no text', { name: 7 }],
    ['a session that is no text', { sid: 7 }],
    ['a longer life than any', { exp: 1_767_225_600 + 86_400 }],
    ['a birth in the future', { iat: 1_767_225_600 + 3_600, exp: 1_767_225_600 + 3_700 }],
    ['several audiences', { aud: ['opmas-api', 'opmas'] }],
    ['no client', { client_id: undefined }],
  ])('%s is refused', async (_, claims) => {
    await expect(tokens.verify(await sign(claims))).rejects.toMatchObject(REFUSED);
  });

  test('another field in the header is refused', async () => {
    const token = await sign({}, { jku: 'https://evil.example/keys' });
    await expect(tokens.verify(token)).rejects.toMatchObject(REFUSED);
  });
});

test('of many tokens that come at once after a start none is refused for a key not yet read', async () => {
  const token = await tokens.issue(CALLER, { seconds: 600 });
  const restarted = createTokens(chain, clock);
  const claims = await Promise.all([1, 2, 3].map(() => restarted.verify(token)));
  expect(claims.map(({ caller }) => caller.id)).toEqual(['u1', 'u1', 'u1']);
});
