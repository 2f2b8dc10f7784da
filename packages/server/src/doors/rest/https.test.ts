/** HTTPS on real connections: versions, renewal under an open connection, certificates of clients, the URL it is told by. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import {
  createAuthority,
  issueCertificate,
  namesOf,
  openTlsFiles,
  type Pair,
  type TlsFiles,
} from '@opmas/keyring/certificates';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readSettings } from '../../settings.ts';
import { type TestDoors, testDoors } from '../../testing/doors.ts';
import { ownUrl } from './own-url.ts';

let dir: TempDir;
let authority: Pair;
let files: TlsFiles;
let doors: TestDoors;
const faults: Error[] = [];

beforeEach(async () => {
  dir = tempDir('https');
  authority = await createAuthority(Date.now());
  faults.length = 0;
  await certify();
});
afterEach(async () => {
  await doors.close();
  files.stop();
  dir.remove();
});

const path = (name: string) => join(dir.path, name);
const portOf = () => Number(new URL(doors.url).port);

async function issued(by: Pair, hosts: string[], usage: 'server' | 'client'): Promise<Pair> {
  const names = namesOf(hosts);
  return await issueCertificate(by, { name: 'x', names, usage: [usage] }, Date.now());
}

async function certify(): Promise<void> {
  const made = await issued(authority, ['127.0.0.1', 'localhost'], 'server');
  writeFileSync(path('a.key'), made.key, { mode: 0o600 });
  writeFileSync(path('a.crt'), made.certificate);
}

async function start({ clients = false } = {}): Promise<void> {
  writeFileSync(path('clients.crt'), authority.certificate);
  const ca = clients ? path('clients.crt') : undefined;
  files = openTlsFiles(
    { cert: path('a.crt'), key: path('a.key'), ca },
    { onFault: (error) => faults.push(error), pollMs: 20 },
  );
  doors = await testDoors({ https: { files, clientCertificates: clients } });
}

async function dial(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({
    port: portOf(),
    host: '127.0.0.1',
    ca: authority.certificate,
    ...options,
  });
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  return socket;
}

const served = (socket: TLSSocket) => socket.getPeerCertificate().fingerprint256;

/** Status, headers, and the certificate of the connection it went over. */
async function get(agent: Agent): Promise<{ status: number | undefined; socket: TLSSocket }> {
  const asked = request({
    agent,
    port: portOf(),
    host: '127.0.0.1',
    path: '/api/v1/things',
    headers: { authorization: 'Bearer user.anna' },
  });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [import('node:http').IncomingMessage];
  const { socket } = answer; // given up at the end
  answer.resume();
  await once(answer, 'end');
  if (!('getPeerCertificate' in socket)) throw new Error('no TLS');
  return { status: answer.statusCode, socket: socket as TLSSocket };
}

describe('12.2.1 HTTPS', () => {
  it('answers over TLS, and nothing over plain text on the same port', async () => {
    await start();
    const agent = new Agent({ ca: authority.certificate });
    onTestFinished(() => agent.destroy());
    expect((await get(agent)).status).toBe(200);
    expect(doors.ran).toEqual(['things.list']);
    const plain = await doors.exchange('GET /api/v1/things HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    expect(plain).not.toContain('200 OK');
    expect(doors.ran).toHaveLength(1);
  });

  it('a host beyond loopback needs a certificate, or a word', async () => {
    await start();
    const read = (env: Record<string, string>) => {
      const result = readSettings(
        { OPMAS_DATABASE_URL: 'postgres://h/d', OPMAS_NATS_URL: 'nats://h', ...env },
        '/',
      );
      return result.ok ? [] : result.errors.map((error) => error.split('=')[0]);
    };
    const open = { OPMAS_HTTP_HOST: '0.0.0.0' };
    const pair = { OPMAS_TLS_CERT: 'a.crt', OPMAS_TLS_KEY: 'a.key' };
    expect(read(open)).toEqual(['OPMAS_HTTP_HOST']);
    expect(read({ ...open, ...pair })).toEqual([]);
    expect(read({ ...open, OPMAS_ALLOW_INSECURE: 'true' })).toEqual([]);
    expect(read({ ...open, OPMAS_TLS_CERT: 'a.crt' })).toHaveLength(2);
  });
});

describe('12.1.1 TLS versions of HTTPS', () => {
  it('refuses 1.1 and speaks 1.2 and 1.3', async () => {
    await start();
    const only = (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') =>
      dial({ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' });
    await expect(only('TLSv1.1')).rejects.toThrow(/version|alert/i);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await only(version);
      expect(socket.getProtocol()).toBe(version);
      socket.destroy();
    }
  });
});

describe('a changed certificate of HTTPS', () => {
  it('is served to new connections, and the one there is goes on', async () => {
    await start();
    const kept = new Agent({ ca: authority.certificate, keepAlive: true, maxSockets: 1 });
    onTestFinished(() => kept.destroy());
    const before = (await get(kept)).socket;
    const old = files.certificate().fingerprint;
    await certify();
    await waitFor(() => files.certificate().fingerprint !== old);
    const fresh = await dial();
    expect(served(fresh)).toBe(files.certificate().fingerprint);
    fresh.destroy();
    const after = await get(kept);
    expect(after.status).toBe(200);
    expect(after.socket).toBe(before);
    expect(served(after.socket)).toBe(old);
  });

  it('that is none changes nothing, and is told', async () => {
    await start();
    const good = files.certificate().fingerprint;
    writeFileSync(path('a.crt'), 'nonsense');
    await waitFor(() => faults.length === 1);
    const socket = await dial();
    expect(served(socket)).toBe(good);
    socket.destroy();
  });
});

describe('12.1.3 certificates of clients at HTTPS', () => {
  it('refuses a stranger’s before a request is read, and asks none of this machine', async () => {
    await start({ clients: true });
    const stranger = await issued(await createAuthority(Date.now()), [], 'client');
    const shown = { cert: stranger.certificate, key: stranger.key };
    const socket = await dial(shown);
    socket.write('GET /api/v1/things HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await once(socket.resume(), 'close');
    expect(doors.ran).toEqual([]);
    expect(doors.logged).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        fields: expect.objectContaining({ peer: '127.0.0.1' }),
      }),
    );
    const known = await issued(authority, [], 'client');
    const agents = [
      new Agent({ ca: authority.certificate }),
      new Agent({ ca: authority.certificate, cert: known.certificate, key: known.key }),
    ];
    for (const agent of agents) {
      expect((await get(agent)).status).toBe(200);
      agent.destroy();
    }
  });
});

describe('the URL it is reached by', () => {
  const address = { address: '0.0.0.0', family: 'IPv4', port: 8443 };

  it.each([
    ['this machine, when it listens everywhere', '0.0.0.0', undefined, 'https://127.0.0.1:8443'],
    ['what it listens on', 'localhost', undefined, 'https://localhost:8443'],
    [
      'its public name, when the certificate is for no other',
      '192.0.2.1',
      'https://opmas.lan',
      'https://opmas.lan:8443',
    ],
  ])('is %s', async (_what, host, publicUrl, expected) => {
    await start();
    const certificate = { ...files.certificate(), dns: ['localhost', 'opmas.lan'] };
    expect(ownUrl({ address, host, publicUrl, certificate })).toBe(expected);
  });

  it('is refused when the certificate stands for none of the names there are', async () => {
    await start();
    const certificate = { ...files.certificate(), dns: ['*.example.com'], ips: [] };
    const named = { address, certificate, host: '127.0.0.1' };
    expect(() => ownUrl({ ...named, publicUrl: undefined })).toThrow(/OPMAS_PUBLIC_URL|reached as/);
    const publicUrl = 'https://opmas.example.com';
    expect(ownUrl({ ...named, publicUrl })).toBe('https://opmas.example.com:8443');
    expect(() => ownUrl({ ...named, publicUrl: 'https://a.b.example.com' })).toThrow(/reached as/);
  });
});
