/** JWTs and creds: the reference library is the oracle. */
import { decode, fmtCreds, fromSeed, parseCreds as referenceParse } from '@nats-io/jwt';
import { describe, expect, it } from 'vitest';
import { credsFile, parseCreds } from './creds.ts';
import { decodeJwt, encodeAccountJwt, encodeUserJwt } from './jwt.ts';
import { createNkey } from './nkeys.ts';
import { accountJwt, createTrust, issueUser } from './trust.ts';

const trust = createTrust({ now: () => 1_800_000_000_000 });
const permissions = {
  pub: { allow: ['a', 'b.>'] },
  sub: { allow: ['c'] },
  resp: { max: 1, ttl: 1_000 },
};

describe('JWTs', () => {
  it('the reference library reads operator and accounts as meant', () => {
    const operator = decode<Record<string, unknown>>(trust.operator_jwt);
    expect(operator.sub).toBe(trust.operator.public_key);
    expect(operator.iat).toBe(1_800_000_000);
    expect(operator.nats).toMatchObject({
      type: 'operator',
      system_account: trust.system.account.public_key,
      signing_keys: [trust.operator_signing.public_key],
    });
    const account = decode<Record<string, unknown>>(trust.account.jwt);
    expect(account.iss).toBe(trust.operator_signing.public_key);
    expect(account.nats).toMatchObject({
      type: 'account',
      signing_keys: [trust.account.signing.public_key],
      limits: {
        subs: -1,
        data: -1,
        payload: -1,
        conn: -1,
        disk_storage: -1,
        streams: -1,
        consumer: -1,
      },
    });
    const system = decode<{ limits: object }>(trust.system.jwt);
    expect(system.nats.limits).not.toHaveProperty('disk_storage');
  });

  it('the reference library reads a user with its permissions, issuer account and expiry', () => {
    const user = issueUser(trust, {
      name: 'agent-x',
      permissions,
      issuedAt: 1_800_000_001,
      expiresAt: 1_800_003_600,
    });
    const claims = decode<Record<string, unknown>>(user.jwt);
    expect(claims).toMatchObject({
      sub: user.public_key,
      name: 'agent-x',
      iat: 1_800_000_001,
      exp: 1_800_003_600,
      iss: trust.account.signing.public_key,
      nats: {
        ...permissions,
        issuer_account: trust.account.identity.public_key,
        subs: -1,
        data: -1,
        payload: -1,
      },
    });
    expect(decodeJwt(user.jwt)).toMatchObject({ sub: user.public_key, exp: 1_800_003_600 });
  });

  it('keeps revocations in the account JWT', () => {
    const user = createNkey('user').public_key;
    const jwt = accountJwt(trust, { [user]: 1_800_000_100 }, 1_800_000_100);
    expect(decode<{ revocations: object }>(jwt).nats.revocations).toEqual({
      [user]: 1_800_000_100,
    });
    expect(decode<object>(accountJwt(trust, {}, 1)).nats).not.toHaveProperty('revocations');
  });

  it('refuses what is no JWT, or was changed, or is signed by another', () => {
    const { jwt } = issueUser(trust, { name: 'x', permissions });
    const [head = '', body = '', signature = ''] = jwt.split('.');
    const forged = Buffer.from(JSON.stringify({ ...decodeJwt(jwt), name: 'admin' })).toString(
      'base64url',
    );
    const bad = [
      '',
      'a.b',
      'a.b.c',
      `${head}.${forged}.${signature}`,
      `${head}.${body}.${signature.slice(4)}`,
    ];
    for (const text of bad) {
      expect(() => decodeJwt(text), text).toThrowError(
        expect.objectContaining({ code: 'OPMAS_INVALID_FORMAT' }),
      );
    }
  });

  it('writes every limit: an absent one would mean nothing allowed', () => {
    const account = createNkey('account');
    const signerSeed = trust.operator_signing.seed;
    const jwt = encodeAccountJwt({
      name: 'X',
      publicKey: account.public_key,
      signerSeed,
      jetstream: true,
      issuedAt: 1,
    });
    expect(Object.keys(decode<{ limits: object }>(jwt).nats.limits ?? {}).sort()).toEqual([
      'conn',
      'consumer',
      'data',
      'disk_storage',
      'exports',
      'imports',
      'leaf',
      'mem_storage',
      'payload',
      'streams',
      'subs',
      'wildcards',
    ]);
  });
});

describe('creds files', () => {
  const user = createNkey('user');
  const jwt = encodeUserJwt({
    name: 'u',
    publicKey: user.public_key,
    signerSeed: trust.account.identity.seed,
    permissions,
    issuedAt: 1,
  });

  it('are read by the reference library, and read what it writes', async () => {
    const ours = credsFile({ jwt, seed: user.seed });
    const theirs = new TextDecoder().decode(
      fmtCreds(jwt, fromSeed(new TextEncoder().encode(user.seed))),
    );
    expect(await referenceParse(new TextEncoder().encode(ours))).toMatchObject({
      jwt,
      key: user.seed,
    });
    expect(parseCreds(theirs)).toEqual({ jwt, seed: user.seed });
    expect(parseCreds(ours.replaceAll('\n', '\r\n'))).toEqual({ jwt, seed: user.seed });
  });

  it('with a part missing are refused, naming the part', () => {
    expect(() => parseCreds('')).toThrowError(/NATS USER JWT/);
    expect(() => parseCreds(credsFile({ jwt, seed: '' }))).toThrowError(/USER NKEY SEED/);
    expect(() => parseCreds(credsFile({ jwt, seed: trust.account.identity.seed }))).toThrowError(
      /user nkey seed/,
    );
  });
});
