/** The broker's keys and files: sealed, encrypted, and never silently begun anew. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { apiPrefix, createTrust, credsFile, issueUser, natsConfig, type Trust } from '@opmas/bus';
import { openKeyring, readSealedJson } from '@opmas/keyring';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LaunchError } from '../errors.ts';
import { type EmbeddedNats, embeddedNats } from './embedded-nats.ts';
import { natsServer } from './nats-server.ts';
import { brokerKeys } from './trust-file.ts';

const BIN = process.env['OPMAS_NATS_BIN'] ?? '/usr/sbin/nats-server';
const CANARY = 'CANARY-7f3a91d2-payload';
let dir: TempDir;
const running: { stop(): Promise<void> }[] = [];
beforeEach(() => {
  dir = tempDir('broker secrets');
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
  dir.remove();
});

const keys = (name: string) => join(dir.path, 'keys', name);
const brokerKeysHere = () => brokerKeys(dir.path, keys('master.key'));

async function start(): Promise<EmbeddedNats> {
  const nats = await embeddedNats({ dataDir: dir.path, hostId: 'local', bin: BIN });
  running.push(nats);
  return nats;
}

async function stopAll(): Promise<void> {
  for (const one of running.splice(0)) await one.stop();
}

async function connectAs(trust: Trust, url: string): Promise<NatsConnection> {
  const user = issueUser(trust, {
    name: 'test',
    permissions: { pub: { allow: ['>'] }, sub: { allow: ['>'] } },
  });
  const authenticator = credsAuthenticator(new TextEncoder().encode(credsFile(user)));
  return connect({ servers: url, authenticator, reconnect: false });
}

async function publishCanaries(trust: Trust, url: string, count: number): Promise<void> {
  const connection = await connectAs(trust, url);
  const manager = await jetstreamManager(connection, { apiPrefix: apiPrefix(trust) });
  await manager.streams.add({ name: 'KEPT', subjects: ['kept.>'] });
  const client = jetstream(connection);
  for (let index = 0; index < count; index += 1)
    await client.publish('kept.x', `${CANARY} ${index}`);
  await connection.close();
}

async function storedMessages(nats: EmbeddedNats): Promise<number> {
  const connection = await connectAs(nats.trust, nats.url());
  const manager = await jetstreamManager(connection, { apiPrefix: apiPrefix(nats.trust) });
  const { state } = await manager.streams.info('KEPT');
  const message = await manager.streams.getMessage('KEPT', { seq: 1 });
  await connection.close();
  expect(message?.string()).toBe(`${CANARY} 0`);
  return state.messages;
}

/** Files below the data folder that hold `text`. */
function filesWith(text: string): string[] {
  return readdirSync(dir.path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}

describe('X24 stolen data folder', () => {
  test('no key of the broker and no message lies readable in the data folder', async () => {
    const nats = await start();
    await publishCanaries(nats.trust, nats.url(), 50);
    await stopAll();
    const { trust } = nats;
    const { storeKey } = brokerKeysHere();
    const seeds = [
      trust.operator,
      trust.operator_signing,
      trust.system.account,
      trust.account.identity,
    ];
    for (const { seed } of seeds) expect(filesWith(seed)).toEqual([]);
    expect(filesWith(trust.account.signing.seed)).toEqual([]);
    expect(filesWith(storeKey)).toEqual([]);
    expect(filesWith(CANARY)).toEqual([]);
  });

  test('a plain key file of an earlier version is sealed, and gone', () => {
    const trust = createTrust();
    mkdirSync(join(dir.path, 'keys'));
    writeFileSync(keys('nats-trust.json'), JSON.stringify(trust), { mode: 0o600 });
    expect(brokerKeysHere().trust).toEqual(trust);
    expect(existsSync(keys('nats-trust.json'))).toBe(false);
    expect(brokerKeysHere().trust).toEqual(trust);
    expect(filesWith(trust.operator.seed)).toEqual([]);
  });

  test('a store that was not encrypted is encrypted at the first start and keeps its messages', async () => {
    const trust = createTrust();
    mkdirSync(join(dir.path, 'keys'));
    writeFileSync(keys('nats-trust.json'), JSON.stringify(trust), { mode: 0o600 });
    const before = await natsServer({
      dataDir: dir.path,
      bin: BIN,
      serverName: 'before',
      config: (port) =>
        natsConfig({ trust, port, dataDir: join(dir.path, 'nats'), serverName: 'before' }),
    });
    await publishCanaries(trust, before.url(), 200);
    await before.stop();
    expect(filesWith(CANARY)).not.toEqual([]);

    const nats = await start();
    expect(await storedMessages(nats)).toBe(200);
    await stopAll();
    expect(filesWith(CANARY)).toEqual([]);
    expect(await storedMessages(await start())).toBe(200);
  });
});

describe('X19 secrets of the broker', () => {
  test('stand in no command line and no configuration file', async () => {
    const nats = await start();
    const { storeKey, trust } = brokerKeysHere();
    const config = readFileSync(join(dir.path, 'nats', 'nats.conf'), 'utf8');
    const commands = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    expect(commands).toContain(join(dir.path, 'nats', 'nats.conf'));
    for (const secret of [storeKey, trust.operator.seed, trust.account.signing.seed]) {
      expect(config).not.toContain(secret);
      expect(commands).not.toContain(secret);
    }
    // It has the key all the same, where only its own user looks.
    const environment = readFileSync(`/proc/${nats.pid()}/environ`, 'utf8');
    expect(environment).toContain(`OPMAS_JS_KEY=${storeKey}`);
    expect(config).toContain('key: $OPMAS_JS_KEY');
  });
});

describe('lost keys', () => {
  const refused = (what: RegExp) =>
    expect.objectContaining({ code: 'data_dir_unusable', message: expect.stringMatching(what) });

  test('a lost master key stops the start and is not made anew', async () => {
    brokerKeysHere();
    rmSync(keys('master.key'));
    expect(brokerKeysHere).toThrow(refused(/master key .* is gone/));
    expect(existsSync(keys('master.key'))).toBe(false);
  });

  test('nor where only the database still needs it: its audit log was vouched for', () => {
    mkdirSync(join(dir.path, 'audit'));
    writeFileSync(join(dir.path, 'audit', 'checkpoints.ndjson'), '{}\n');
    expect(brokerKeysHere).toThrow(refused(/master key .* is gone/));
    expect(existsSync(keys('master.key'))).toBe(false);
    expect(existsSync(keys('nats-trust.sealed'))).toBe(false);
  });

  test('another master key is refused, naming the one that is needed', () => {
    brokerKeysHere();
    const { id } = openKeyring(keys('master.key'), { make: false }).keys()[0];
    rmSync(keys('master.key'));
    openKeyring(keys('master.key'), { make: true });
    expect(brokerKeysHere).toThrow(refused(new RegExp(`sealed under master key ${id}`)));
  });

  test('a lost store key stops the start: the broker would begin empty', async () => {
    const nats = await start();
    await publishCanaries(nats.trust, nats.url(), 1);
    await stopAll();
    const kept = readFileSync(keys('nats-store.sealed'));
    rmSync(keys('nats-store.sealed'));
    expect(brokerKeysHere).toThrow(refused(/are encrypted, and their key/));
    writeFileSync(keys('nats-store.sealed'), kept, { mode: 0o600 });
    expect(await storedMessages(await start())).toBe(1);
  });

  test('two sealed files that were exchanged do not open', () => {
    brokerKeysHere();
    const trust = readFileSync(keys('nats-trust.sealed'));
    writeFileSync(keys('nats-trust.sealed'), readFileSync(keys('nats-store.sealed')));
    writeFileSync(keys('nats-store.sealed'), trust);
    expect(brokerKeysHere).toThrow(LaunchError);
    const keyring = openKeyring(keys('master.key'), { make: false });
    expect(() => readSealedJson(keyring, keys('nats-trust.sealed'))).toThrow(/belongs elsewhere/);
  });
});
