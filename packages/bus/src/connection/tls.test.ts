/** TLS to a real broker: what is refused, and what a reload of its certificate costs. */
import { writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { createAuthority, issueCertificate, namesOf, type Pair } from '@opmas/keyring/certificates';
import { type TempDir, type TestNats, tempDir, testNats } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  accountJwt,
  type Bus,
  type ConnectOptions,
  connectBus,
  consumeDurable,
  ensureConsumer,
  ensureStreams,
  publishDurable,
  pushAccountJwt,
  streamInfo,
} from '../index.ts';
import { silent, until } from '../testing/nats-server.ts';
import { tlsOptions } from './wire-tls.ts';

const DAY = 86_400_000;

let dir: TempDir;
let authority: Pair;
let nats: TestNats;
let buses: Bus[] = [];
let files: { certFile: string; keyFile: string };
let caFile: string;

beforeEach(async () => {
  dir = tempDir('bus-tls');
  authority = await createAuthority(Date.now());
  caFile = join(dir.path, 'ca.crt');
  writeFileSync(caFile, authority.certificate);
  files = { certFile: join(dir.path, 'nats.crt'), keyFile: join(dir.path, 'nats.key') };
});
afterEach(async () => {
  for (const bus of buses) await bus.close();
  buses = [];
  await nats.stop();
  dir.remove();
});

async function certify(
  options: { by?: Pair; hosts?: string[]; days?: number; now?: number } = {},
): Promise<void> {
  const { by = authority, hosts = ['localhost', '127.0.0.1', '::1'], days = 10 } = options;
  const names = namesOf(hosts);
  const request = { name: 'nats', names, usage: ['server'], days } as const;
  const made = await issueCertificate(by, request, options.now ?? Date.now());
  writeFileSync(files.keyFile, made.key, { mode: 0o600 });
  writeFileSync(files.certFile, made.certificate);
}

async function bus(name: string, options: Partial<ConnectOptions> = {}): Promise<Bus> {
  const user = nats.credsFor(name);
  const made = await connectBus({
    url: nats.url,
    name,
    logger: silent,
    connectTimeoutMs: 2_000,
    credentials: () => user,
    tlsCaFile: caFile,
    ...options,
  });
  buses.push(made);
  return made;
}

/** The broker speaks a line of plain text before it goes over to TLS. */
async function handshake(options: ConnectionOptions): Promise<TLSSocket> {
  const plain = connectTcp(Number(new URL(nats.url).port), '127.0.0.1');
  await new Promise((resolve) => plain.once('data', resolve));
  const socket = connectTls({ socket: plain, ca: authority.certificate, ...options });
  return await new Promise((resolve, reject) => {
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
  });
}

describe('12.3.1 the broker is reached over TLS only', () => {
  it('lets a client in that knows the authority, by address and by name', async () => {
    await certify();
    nats = await testNats({ tls: files });
    expect(nats.url).toMatch(/^tls:/);
    expect((await bus('by-address')).isUp()).toBe(true);
    const byName = await bus('by-name', { url: nats.url.replace('127.0.0.1', 'localhost') });
    expect(byName.isUp()).toBe(true);
  });

  it('refuses a client that stays with plain text', async () => {
    await certify();
    nats = await testNats({ tls: files });
    const plain = connectTcp(Number(new URL(nats.url).port), '127.0.0.1');
    let heard = '';
    plain.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (heard.startsWith('INFO')) plain.write('CONNECT {"verbose":true}\r\nPING\r\n');
    });
    await new Promise((resolve) => plain.once('close', resolve));
    expect(heard).toContain('"tls_required":true');
    // Cut off for staying plain, before anybody asks who it is.
    expect(heard).not.toMatch(/authorization/i);
    expect(heard).not.toContain('+OK');
    expect(heard).not.toContain('PONG');
  });

  it.each([
    ['tls:// in its URL', (plain: string) => ({ url: plain.replace('nats:', 'tls:') })],
    ['a named authority', (plain: string) => ({ url: plain, tlsCaFile: caFile })],
  ])('a client with %s does not speak to a broker without TLS', async (_what, options) => {
    nats = await testNats();
    const { tlsCaFile, ...rest } = { tlsCaFile: undefined, ...options(nats.url) };
    const user = nats.credsFor('strict');
    const attempt = connectBus({
      name: 'strict',
      logger: silent,
      connectTimeoutMs: 500,
      credentials: () => user,
      ...(tlsCaFile === undefined ? {} : { tlsCaFile }),
      ...rest,
    });
    await expect(attempt).rejects.toThrow(/tls/i);
  });

  it('12.1.1 the broker refuses TLS 1.1 and speaks 1.2 and 1.3', async () => {
    await certify();
    nats = await testNats({ tls: files });
    const only = (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') =>
      handshake({ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' });
    await expect(only('TLSv1.1')).rejects.toThrow(/version|alert/i);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await only(version);
      expect(socket.getProtocol()).toBe(version);
      socket.destroy();
    }
  });
});

describe('12.3.2 the broker’s certificate is verified', () => {
  it.each([
    [
      'of another authority',
      async () => certify({ by: await createAuthority(Date.now()) }),
      /verify|self-signed|signature/i,
    ],
    ['that has ended', () => certify({ days: 1, now: Date.now() - 2 * DAY }), /expired/i],
    ['for another name', () => certify({ hosts: ['elsewhere.lan'] }), /altnames/i],
    ['for another address', () => certify({ hosts: ['localhost', '192.0.2.1'] }), /altnames/i],
  ])('refuses one %s', async (_what, make, reason) => {
    await make();
    nats = await testNats({ tls: files });
    await expect(bus('strict', { connectTimeoutMs: 500 })).rejects.toThrow(reason);
  });

  it('accepts, of several brokers known by address, one that is certified for any of them', () => {
    const { tls } = tlsOptions({ url: 'tls://192.0.2.1:4222,tls://broker.lan:4222' });
    const check = (name: string, subjectaltname: string) =>
      tls?.checkServerIdentity?.(name, { subject: {}, subjectaltname } as never);
    expect(check('localhost', 'IP Address:192.0.2.1')).toBeUndefined();
    expect(check('localhost', 'IP Address:192.0.2.9')).toBeInstanceOf(Error);
    expect(check('localhost', 'DNS:localhost')).toBeInstanceOf(Error);
    expect(check('broker.lan', 'DNS:broker.lan')).toBeUndefined();
    expect(check('broker.lan', 'IP Address:192.0.2.1')).toBeInstanceOf(Error);
    expect(tlsOptions({ url: 'nats://127.0.0.1:4222' })).toEqual({});
  });
});

describe('a reload of the certificate', () => {
  it('loses no finding and doubles none, while clients change over to the new certificate', async () => {
    await certify();
    nats = await testNats({ tls: files });
    const [agent, server] = [await bus('agent'), await bus('server')];
    await ensureStreams(server, { eventsMaxAgeMs: 3_600_000, eventsMaxBytes: 1e9, replicas: 1 });
    const consumer = { stream: 'FINDINGS', consumer: 'recorder' };
    await ensureConsumer(server, { ...consumer, deliver: 'all', ackWaitMs: 1_000 });
    const seen = new Map<string, Set<number>>();
    const consumption = consumeDurable(server, {
      ...consumer,
      onError: () => {}, // the connection is lost on purpose
      onMessage: (message) => {
        const id = new TextDecoder().decode(message.data);
        seen.set(id, (seen.get(id) ?? new Set()).add(message.seq));
        message.ack();
      },
    });
    const served = new Set<string>();
    let sent = 0;
    let stopping = false;
    const publishing = Array.from({ length: 8 }, async () => {
      while (!stopping) {
        const id = `finding-${sent++}`;
        await publishDurable(agent, 'findings.security', id, { msgId: id, timeoutMs: 500 });
      }
    });
    for (let round = 0; round < 5; round += 1) {
      const before = agent.stats().reconnects;
      await certify();
      nats.reload();
      await until('the reconnect', () => agent.stats().reconnects > before && agent.isUp());
      const socket = await handshake({});
      served.add(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
      const sofar = sent;
      await until('traffic after the reload', () => sent > sofar + 100);
    }
    stopping = true;
    await Promise.all(publishing);
    expect(served.size).toBe(5);
    await until('every finding recorded', () => seen.size === sent);
    await consumption.stop();
    const stored = await streamInfo(server, 'FINDINGS');
    expect(stored?.messages).toBe(sent);
    for (const [id, positions] of seen) expect(positions.size, id).toBe(1);
  });

  it('keeps who was revoked out', async () => {
    await certify();
    nats = await testNats({ tls: files });
    const user = nats.credsFor('fired');
    const fired = await bus('fired', { credentials: () => user });
    const { trust } = nats;
    const system = await bus('system', { credentials: () => nats.sysCreds });
    const now = Math.floor(Date.now() / 1_000);
    const revoked = accountJwt(trust, { [user.public_key]: now + 1 }, now);
    await pushAccountJwt(system, revoked, {
      trustedIssuers: [trust.operator_signing.public_key],
    });
    await until('the end of the revoked connection', () => !fired.isUp());
    await certify();
    nats.reload();
    await until('the reload', () => system.stats().reconnects > 0 && system.isUp());
    const again = bus('fired-again', { credentials: () => user, connectTimeoutMs: 500 });
    await expect(again).rejects.toMatchObject({ code: 'OPMAS_UNAUTHENTICATED' });
    expect((await bus('other')).isUp()).toBe(true);
  });

  it('follows an authority that is exchanged with overlap, without a restart of the client', async () => {
    await certify();
    nats = await testNats({ tls: files });
    const client = await bus('client');
    const next = await createAuthority(Date.now());
    writeFileSync(caFile, next.certificate + authority.certificate);
    await certify({ by: next });
    const before = client.stats().reconnects;
    nats.reload();
    await until('the reconnect', () => client.stats().reconnects > before && client.isUp());
  });
});
