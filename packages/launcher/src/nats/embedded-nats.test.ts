/** The embedded broker: one port for ever, keys made once, back after every kill, never doubled. */
import { once } from 'node:events';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import {
  type Bus,
  connectBus,
  createTrust,
  credsFile,
  decodeJwt,
  ensureStreams,
  issueUser,
  signClaims,
  withRevocations,
} from '@opmas/bus';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ChildEvent } from '../process/child.ts';
import { identityOf } from '../process/identity.ts';
import { startHelper } from '../testing/spawn.ts';
import { natsBinary } from './binary.ts';
import { type EmbeddedNats, type EmbeddedNatsOptions, embeddedNats } from './embedded-nats.ts';
import { ACCOUNT_FILE } from './kept-account.ts';

let dir: TempDir;
let running: EmbeddedNats[] = [];
beforeEach(() => {
  dir = tempDir('nats');
});
afterEach(async () => {
  for (const one of running) await one.stop();
  running = [];
  dir.remove();
});

async function start(options: Partial<EmbeddedNatsOptions> = {}): Promise<EmbeddedNats> {
  const started = await embeddedNats({
    dataDir: dir.path,
    hostId: 'local',
    bin: process.env['OPMAS_NATS_BIN'],
    path: process.env['PATH'],
    ...options,
  });
  running.push(started);
  return started;
}

async function signIn(nats: EmbeddedNats, file: string): Promise<void> {
  const authenticator = credsAuthenticator(readFileSync(file));
  const connection = await connect({ servers: nats.url(), authenticator, reconnect: false });
  await connection.close();
}

test('each part has a user of its own, and nobody gets in without one', async () => {
  const nats = await start();
  for (const file of [...Object.values(nats.creds), nats.sysCreds]) {
    await signIn(nats, file);
    expect(statSync(file).mode & 0o077).toBe(0);
  }
  for (const name of ['nats-trust.sealed', 'nats-store.sealed', 'master.key']) {
    expect(statSync(join(dir.path, 'keys', name)).mode & 0o777, name).toBe(0o600);
  }
  await expect(connect({ servers: nats.url(), reconnect: false })).rejects.toThrow(
    /authorization/i,
  );
});

test('port and keys are the same at the next start', async () => {
  const first = await start();
  await first.stop();
  const second = await start();
  expect(second.url()).toBe(first.url());
  expect(second.trust).toEqual(first.trust);
  await signIn(second, first.creds.server);
});

test('a kept port that another program took is given up for a new one', async () => {
  const first = await start();
  const port = first.port();
  await first.stop();
  const other: Server = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  const second = await start();
  expect(second.port()).not.toBe(port);
  await signIn(second, second.creds.server);
  other.close();
});

test('after kill -9 it is back by itself on the same port', async () => {
  const events: ChildEvent[] = [];
  const nats = await start({ onEvent: (event) => events.push(event) });
  const url = nats.url();
  process.kill(nats.pid() ?? 0, 'SIGKILL');
  await waitFor(() => events.filter(({ kind }) => kind === 'started').length === 2);
  expect(nats.url()).toBe(url);
  await signIn(nats, nats.creds.server);
});

test('what a killed run left is ended first', async () => {
  const helper = await startHelper('run-nats.ts', [dir.path], {
    OPMAS_NATS_BIN: process.env['OPMAS_NATS_BIN'] ?? '',
  });
  const left = Number(helper.firstLine);
  process.kill(left, 'SIGSTOP');
  await helper.kill('SIGKILL');
  expect(identityOf(left)).toBeDefined();
  process.kill(left, 'SIGCONT');
  const nats = await start();
  expect(identityOf(left)).toBeUndefined();
  await signIn(nats, nats.creds.server);
});

test('a broker that cannot run says so with the line to type', () => {
  const missing = { dataDir: dir.path, bin: '/no/nats-server' };
  expect(() => natsBinary(missing)).toThrow(expect.objectContaining({ code: 'nats_missing' }));
});

describe('X14 the API of JetStream', () => {
  const asServer = (nats: EmbeddedNats): Promise<Bus> => {
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    return connectBus({
      url: nats.url(),
      name: 'server',
      inboxPrefix: '_INBOX.server',
      credsFile: nats.creds.server,
      logger: quiet,
    });
  };

  async function expectOwnName(nats: EmbeddedNats): Promise<void> {
    const bus = await asServer(nats);
    await ensureStreams(bus, { eventsMaxAgeMs: 3_600_000, eventsMaxBytes: 1e8, replicas: 1 });
    await bus.close();
    // Somebody who may say anything, but does not know the name.
    const user = issueUser(nats.trust, {
      name: 'all',
      permissions: { pub: { allow: ['>'] }, sub: { allow: ['>'] } },
    });
    const authenticator = credsAuthenticator(new TextEncoder().encode(credsFile(user)));
    const connection = await connect({ servers: nats.url(), authenticator, reconnect: false });
    await expect(connection.request('$JS.API.INFO', '', { timeout: 500 })).rejects.toThrow();
    await connection.close();
  }

  test('has a name of its own that the server knows', async () => {
    await expectOwnName(await start());
  });

  test('gets it in a data folder of an earlier version, and who was revoked stays so', async () => {
    const first = await start();
    const { trust } = first;
    const user = issueUser(trust, {
      name: 'x',
      permissions: { pub: { allow: ['>'] }, sub: { allow: ['>'] } },
    });
    const file = join(dir.path, 'x.creds');
    writeFileSync(file, credsFile(user), { mode: 0o600 });
    await first.stop();
    const { nats, sub, name, iat } = decodeJwt(trust.account.jwt);
    const { imports: _, ...before } = nats;
    const revocations = { [user.public_key]: Math.floor(Date.now() / 1_000) + 10 };
    const old = signClaims(
      trust.operator_signing.seed,
      sub,
      { name, issuedAt: iat + 5 },
      { ...before, revocations },
    );
    writeFileSync(join(dir.path, 'keys', ACCOUNT_FILE), old, { mode: 0o600 });
    rmSync(join(dir.path, 'nats', 'jwt'), { recursive: true });
    const again = await start();
    await expectOwnName(again);
    await expect(signIn(again, file)).rejects.toThrow(/authorization/i);
  });
});

describe('X13 a broker that lost its accounts', () => {
  const loseAccounts = () => rmSync(join(dir.path, 'nats', 'jwt'), { recursive: true });
  const keepAccount = (text: string) =>
    writeFileSync(join(dir.path, 'keys', ACCOUNT_FILE), text, { mode: 0o600 });

  /** Starts, revokes a user as the server would have, stops, and loses what the broker kept. */
  async function revoked(): Promise<{ file: string; trust: EmbeddedNats['trust'] }> {
    const first = await start();
    const { trust } = first;
    const permissions = { pub: { allow: ['>'] }, sub: { allow: ['>'] } };
    const user = issueUser(trust, { name: 'x', permissions });
    const file = join(dir.path, 'x.creds');
    writeFileSync(file, credsFile(user), { mode: 0o600 });
    await signIn(first, file);
    await first.stop();
    const now = Math.floor(Date.now() / 1_000);
    const revocations = { [user.public_key]: now + 10 };
    const signerSeed = trust.operator_signing.seed;
    const { jwt } = trust.account;
    keepAccount(withRevocations({ jwt, signerSeed, revocations, forget: [], issuedAt: now + 1 }));
    loseAccounts();
    return { file, trust };
  }

  test('knows from its first moment whom the server had revoked', async () => {
    const { file } = await revoked();
    const again = await start();
    await expect(signIn(again, file)).rejects.toThrow(/authorization/i);
    await signIn(again, again.creds.server);
  });

  test.each([
    ['damaged', () => 'no claims'],
    ['another operator’s', () => createTrust().account.jwt],
  ])('starts with its first claims when the kept ones are %s', async (_, claims) => {
    const { file } = await revoked();
    keepAccount(claims());
    const again = await start();
    await signIn(again, file);
    await signIn(again, again.creds.server);
  });
});
