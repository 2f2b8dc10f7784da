/** Every token that is not ours, or no more, on every listener: a generated table. */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAccount, createUser } from '@nats-io/nkeys';
import { connect, credsAuthenticator, jwtAuthenticator } from '@nats-io/transport-node';
import { openKeyring } from '@opmas/keyring';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import { systemIds } from '../../kernel/ids.ts';
import { feedClient } from '../../testing/feed-client.ts';
import { type Person, person, signIn } from '../../testing/people.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import { createKeyChain, createVault } from '../secrets/index.ts';

type Json = Record<string, unknown>;

interface Forger {
  /** A good token of an administrator, and what is in it. */
  good: string;
  header: Json;
  claims: Json;
  /** What the server signs with: some forgeries assume that it does not help. */
  own: KeyObject;
  ownPublic: KeyObject;
  other: KeyObject;
  admin: Person;
}

let server: TestServer;
let forger: Forger;

const b64 = (text: string | Buffer) => Buffer.from(text).toString('base64url');
const json = (value: unknown) => b64(JSON.stringify(value));
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;

/** A compact token out of its parts as they are given. */
function compact(header: string, body: string, key: KeyObject): string {
  const input = `${header}.${body}`;
  return `${input}.${b64(sign(null, Buffer.from(input), key))}`;
}

function hmac(header: Json, claims: Json, secret: Buffer | string): string {
  const input = `${json(header)}.${json(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** Signed by the server's own key, with other claims or another header; `undefined` leaves one out. */
const own =
  (claims: Json, header: Json = {}) =>
  (f: Forger) =>
    compact(json({ ...f.header, ...header }), json({ ...f.claims, ...claims }), f.own);

/** The good token's parts. */
const parts = (f: Forger) => f.good.split('.') as [string, string, string];

const FORGED: Readonly<Record<string, (f: Forger) => string | Promise<string>>> = {
  'alg none, no signature': (f) => `${json({ ...f.header, alg: 'none' })}.${parts(f)[1]}.`,
  'alg NONE in capitals': (f) => `${json({ ...f.header, alg: 'NONE' })}.${parts(f)[1]}.`,
  'alg none with a true signature': (f) =>
    `${json({ ...f.header, alg: 'none' })}.${parts(f)[1]}.${parts(f)[2]}`,
  'another name of our algorithm': own({}, { alg: 'Ed25519' }),
  'HS256 with the public key as PEM': (f) =>
    hmac(
      { ...f.header, alg: 'HS256' },
      f.claims,
      f.ownPublic.export({ type: 'spki', format: 'pem' }),
    ),
  'HS256 with the public key as DER': (f) =>
    hmac(
      { ...f.header, alg: 'HS256' },
      f.claims,
      f.ownPublic.export({ type: 'spki', format: 'der' }),
    ),
  'HS256 with the key’s 32 bytes': (f) =>
    hmac({ ...f.header, alg: 'HS256' }, f.claims, rawPublic(f.ownPublic)),
  'HS256 with the key id': (f) =>
    hmac({ ...f.header, alg: 'HS256' }, f.claims, String(f.header['kid'])),
  'HS256 with an empty key': (f) => hmac({ ...f.header, alg: 'HS256' }, f.claims, ''),
  'another key under our key id': (f) => compact(json(f.header), json(f.claims), f.other),
  'another key in a jwk header': (f) =>
    compact(
      json({ ...f.header, jwk: createPublicKey(f.other).export({ format: 'jwk' }) }),
      json(f.claims),
      f.other,
    ),
  'a jku header': own({}, { jku: 'https://evil.example/keys' }),
  'an x5u header': own({}, { x5u: 'https://evil.example/certificate' }),
  'an x5c header': own({}, { x5c: ['MIIB'] }),
  'a crit header': own({}, { crit: ['exp'] }),
  'a b64 header': own({}, { b64: false, crit: ['b64'] }),
  'a key id that is a path': (f) =>
    hmac({ ...f.header, alg: 'HS256', kid: '../../../../dev/null' }, f.claims, ''),
  'a key id that is SQL': (f) =>
    compact(json({ ...f.header, kid: "' OR '1'='1" }), json(f.claims), f.other),
  'a key id nobody has': (f) => compact(json({ ...f.header, kid: 'k' }), json(f.claims), f.other),
  'a key id that is a list': (f) => own({}, { kid: [f.header['kid']] })(f),
  'no key id': own({}, { kid: undefined }),
  'the type of an ID token': own({}, { typ: 'JWT' }),
  'the type of a logout token': own({}, { typ: 'logout+jwt' }),
  'our type in another spelling': own({}, { typ: 'application/at+jwt' }),
  'no type': own({}, { typ: undefined }),
  'another audience': own({ aud: 'opmas' }),
  'our audience among others': own({ aud: ['opmas-api', 'other'] }),
  'no audience': own({ aud: undefined }),
  'another issuer': own({ iss: 'https://evil.example' }),
  'no issuer': own({ iss: undefined }),
  'an end in the past': own({ iat: inSeconds(-1_200), exp: inSeconds(-600) }),
  'no end': own({ exp: undefined }),
  'an end that is text': own({ exp: String(inSeconds(600)) }),
  'an end in years': own({ exp: inSeconds(10 * 365 * 86_400) }),
  'a start in the future': own({ nbf: inSeconds(600) }),
  'a birth in the future': own({ iat: inSeconds(3_600), exp: inSeconds(3_700) }),
  'no birth': own({ iat: undefined }),
  'no id of its own': own({ jti: undefined }),
  'no subject': own({ sub: undefined }),
  'no client': own({ client_id: undefined }),
  'a kind that has no tokens': own({ kind: 'local' }),
  'roles that are text': own({ roles: 'admin' }),
  'other claims under a true signature': (f) =>
    `${parts(f)[0]}.${json({ ...f.claims, roles: ['admin', 'root'] })}.${parts(f)[2]}`,
  'another header under a true signature': (f) =>
    `${json({ ...f.header, kid: 'k' })}.${parts(f)[1]}.${parts(f)[2]}`,
  'a claim given twice': (f) => {
    const text = JSON.stringify(f.claims);
    return compact(json(f.header), b64(`{"roles":["read-only"],${text.slice(1)}`), f.own);
  },
  'claims with spaces': (f) =>
    compact(json(f.header), b64(JSON.stringify(f.claims, null, 1)), f.own),
  'claims in other letters': (f) => {
    const text = JSON.stringify(f.claims).replace('"admin"', '"\\u0061dmin"');
    return compact(json(f.header), b64(text), f.own);
  },
  'claims that are a list': (f) => compact(json(f.header), json([f.claims]), f.own),
  'claims that are no JSON': (f) => compact(json(f.header), b64('claims'), f.own),
  'claims in broken UTF-8': (f) =>
    compact(json(f.header), b64(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])), f.own),
  'a token in a token': (f) => compact(json({ ...f.header, cty: 'JWT' }), b64(f.good), f.own),
  'a cut signature': (f) => f.good.slice(0, -4),
  'a cut body': (f) => `${parts(f)[0]}.${parts(f)[1].slice(0, -4)}.${parts(f)[2]}`,
  'no signature at all': (f) => parts(f).slice(0, 2).join('.'),
  'the signature in another spelling': (f) => respelled(f.good),
  'the signature with padding': (f) => `${f.good}==`,
  'a zero signature': (f) => `${parts(f)[0]}.${parts(f)[1]}.${b64(Buffer.alloc(64))}`,
  'five parts': (f) => `${f.good}.a.b`,
  'dots alone': () => '..',
  'JSON instead of compact': (f) => {
    const [protectedHeader, payload, signature] = parts(f);
    return b64(JSON.stringify({ protected: protectedHeader, payload, signature }));
  },
  'eight kilobytes': (f) => own({ more: 'x'.repeat(5_000) })(f),
  '64 kilobytes': (f) => own({ more: 'x'.repeat(48_000) })(f),
  'a refresh token': (f) => f.admin.refresh_token,
  'an unknown API token': () => `opmas_api_${randomBytes(32).toString('base64url')}`,
  'an enrollment token': async () => {
    const body = { kind: 'enrollment', name: 'one' };
    const { body: made } = await server.call('POST', '/api/v1/tokens', { body });
    return (made as { token: string }).token;
  },
  'a revoked API token': async () => {
    const body = { kind: 'api', name: 'gone', roles: ['admin'] };
    const made = await server.call('POST', '/api/v1/tokens', { body });
    const { token, token_id } = made.body as { token: string; token_id: string };
    await server.call('DELETE', `/api/v1/tokens/${token_id}`);
    return token;
  },
  'a NATS user’s token': () => natsJwt(),
  'a NATS user’s token of another operator': () => {
    const user = createUser();
    return [
      json({ typ: 'JWT', alg: 'ed25519-nkey' }),
      json({ sub: user.getPublicKey(), iss: createAccount().getPublicKey(), name: 'server' }),
      b64(randomBytes(64)),
    ].join('.');
  },
  'an ID token of a provider': (f) => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const input = `${json({ alg: 'RS256', kid: f.header['kid'] })}.${json(f.claims)}`;
    return `${input}.${b64(sign('sha256', Buffer.from(input), privateKey))}`;
  },
  'the master key': () => readFileSync(join(server.dataDir, 'keys/master.key'), 'utf8').trim(),
  'the owner’s token with one letter changed': () =>
    `${server.ownerToken.slice(0, -1)}${server.ownerToken.endsWith('A') ? 'E' : 'A'}`,
  'the token of who signed out': async () => {
    const pair = await signIn(server, 'root');
    await server.call('POST', '/api/v1/auth/logout', {
      token: null,
      body: { refresh_token: pair.refresh_token },
    });
    return pair.access_token;
  },
  'the token of a deleted user': async () => {
    const gone = await person(server, 'gone', 'admin');
    await server.call('DELETE', `/api/v1/users/${gone.user_id}`);
    return gone.access_token;
  },
  'a token with the roles of before': async () => {
    const demoted = await person(server, 'demoted', 'admin');
    await server.call('PUT', `/api/v1/users/${demoted.user_id}`, { body: { roles: [] } });
    return demoted.access_token;
  },
};

beforeAll(async () => {
  server = await testServer();
  const admin = await person(server, 'root', 'admin');
  const [header = '', claims = ''] = admin.access_token.split('.');
  const keyring = openKeyring(join(server.dataDir, 'keys/master.key'), { make: false });
  const [key] = await createKeyChain({
    database: server.database,
    vault: createVault(keyring),
    clock: systemClock,
    ids: systemIds,
  }).keys('access-token');
  const ownKey = privateKey(key?.bytes ?? Buffer.alloc(32));
  forger = {
    good: admin.access_token,
    header: parse(header),
    claims: parse(claims),
    own: ownKey,
    ownPublic: createPublicKey(ownKey),
    other: privateKey(randomBytes(32)),
    admin,
  };
});
afterAll(() => server.stop());

const rest = async (token: string) =>
  (await server.call('GET', '/api/v1/agents', { token })).status;

async function webSocket(token: string): Promise<number | 'let in'> {
  const client = await feedClient(server.url, { token, topics: ['agents'] });
  const outcome = await Promise.race([
    client.waitForClose().then(({ code }) => code),
    client.waitFor(({ type }) => type === 'snapshot').then(() => 'let in' as const),
  ]);
  client.close();
  return outcome;
}

async function broker(token: string): Promise<string> {
  const seed = createUser().getSeed();
  try {
    const nc = await connect({
      servers: server.nats.url,
      authenticator: jwtAuthenticator(token, seed),
      reconnect: false,
      timeout: 5_000,
    });
    await nc.close();
    return 'let in';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('X11 forged and stale tokens', () => {
  it('there are more than thirty of them', () => {
    expect(Object.keys(FORGED).length).toBeGreaterThanOrEqual(30);
  });

  it('the good one is taken: what the others lack is what they lack', async () => {
    expect(await rest(forger.good)).toBe(200);
    expect(await webSocket(forger.good)).toBe('let in');
    expect(await rest(own({ jti: 'another' })(forger))).toBe(200);
    const nc = await connect({
      servers: server.nats.url,
      authenticator: credsAuthenticator(readFileSync(server.natsCreds)),
    });
    await nc.close();
  });

  it.each(Object.entries(FORGED))('%s is refused on every listener', async (_, forge) => {
    const token = await forge(forger);
    // The door answers what is longer than any header may be, before the token is looked at.
    expect([401, 413, 431]).toContain(await rest(token));
    expect([4401, 4400, 1009]).toContain(await webSocket(token));
    expect(await broker(token)).toMatch(/authorization violation|too big|maximum|closed|payload/i);
  });
});

function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  });
}

function rawPublic(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(-32);
}

function parse(part: string): Json {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Json;
}

/** Of the last letter of 64 bytes only two bits count: another letter with the same two. */
function respelled(token: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = letters.indexOf(token.at(-1) ?? '');
  const other = `${token.slice(0, -1)}${letters[last ^ 1]}`;
  const bytes = (text: string) => Buffer.from(text.split('.')[2] ?? '', 'base64url');
  expect(bytes(other)).toEqual(bytes(token));
  return other;
}

function natsJwt(): string {
  return /BEGIN NATS USER JWT-----\s+(\S+)/.exec(readFileSync(server.natsCreds, 'utf8'))?.[1] ?? '';
}
