/** Certificates in use, on real TLS connections: what is refused, and what an exchange of the files does. */
import { once } from 'node:events';
import { symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Pair } from './authority.ts';
import { ASK_CLIENTS, requireClientCertificates } from './client-rule.ts';
import { DAY, dial, testAuthority, testLeaf, writePair } from './testing.ts';
import { openTlsFiles, readTlsFiles, type TlsFiles, type TlsPaths } from './tls-files.ts';

let dir: TempDir;
let authority: Pair;
let faults: Error[] = [];
beforeEach(async () => {
  dir = tempDir('tls');
  authority = await testAuthority();
  faults = [];
});
afterEach(() => dir.remove());

function opened(paths: TlsPaths): TlsFiles {
  const files = openTlsFiles(paths, { onFault: (error) => faults.push(error), pollMs: 20 });
  onTestFinished(() => files.stop());
  return files;
}

/** Echoes, and takes over changed files. */
async function listening(files: TlsFiles): Promise<{ port: number; server: Server }> {
  const server = createServer(files.context(), (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const unfollow = files.follow((context) => server.setSecureContext(context));
  onTestFinished(() => {
    unfollow();
    server.close();
  });
  return { port: portOf(server), server };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function echoed(socket: TLSSocket, text: string): Promise<string> {
  socket.write(text);
  const [data]: unknown[] = await once(socket, 'data');
  return String(data);
}

const served = (socket: TLSSocket) => socket.getPeerCertificate().fingerprint256;

describe('12.1.1 TLS versions and ciphers', () => {
  it.each(['TLSv1', 'TLSv1.1'] as const)('refuses %s', async (version) => {
    const { port } = await listening(opened(writePair(dir.path, 'a', await testLeaf(authority))));
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
    await expect(dial(port, { ca: authority.certificate, ...old })).rejects.toThrow(
      /alert|version|protocol/i,
    );
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)(
    'refuses %s by its version, not for want of a cipher',
    async (version) => {
      const files = opened(writePair(dir.path, 'a', await testLeaf(authority)));
      const weak = { ciphers: 'ALL:@SECLEVEL=0' };
      const server = createServer({ ...files.context(), ...weak });
      server.on('tlsClientError', () => {});
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      onTestFinished(() => void server.close());
      const old = { minVersion: version, maxVersion: version, ...weak };
      await expect(dial(portOf(server), { ca: authority.certificate, ...old })).rejects.toThrow(
        /version/i,
      );
    },
  );

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'speaks %s with an authenticated cipher and forward secrecy',
    async (version) => {
      const { port } = await listening(opened(writePair(dir.path, 'a', await testLeaf(authority))));
      const limit = { minVersion: version, maxVersion: version };
      const socket = await dial(port, { ca: authority.certificate, ...limit });
      expect(socket.getProtocol()).toBe(version);
      expect(socket.getCipher().name).toMatch(/GCM|CHACHA20/);
      expect(socket.getEphemeralKeyInfo()).not.toBeNull();
      socket.destroy();
    },
  );

  it.each(['AES128-SHA', 'ECDHE-ECDSA-AES128-SHA', 'AES256-GCM-SHA384'])(
    'refuses the cipher %s',
    async (ciphers) => {
      const { port } = await listening(opened(writePair(dir.path, 'a', await testLeaf(authority))));
      const weak = { ciphers: `${ciphers}:@SECLEVEL=0`, maxVersion: 'TLSv1.2' } as const;
      await expect(dial(port, { ca: authority.certificate, ...weak })).rejects.toThrow(/alert/i);
    },
  );
});

describe('12.3.2 a client verifies the certificate', () => {
  it('refuses one of another authority, one that has ended, and one for another name', async () => {
    const now = Date.now();
    const cases = [
      [await testLeaf(await testAuthority()), /unable to verify|self-signed|signature/i],
      [await testLeaf(authority, { days: 1, now: now - 2 * DAY }), /expired/i],
      [await testLeaf(authority, { hosts: ['elsewhere.lan'] }), /altnames/i],
    ] as const;
    for (const [pair, reason] of cases) {
      const server = createServer({ cert: pair.certificate, key: pair.key });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      server.on('tlsClientError', () => {});
      await expect(dial(portOf(server), { ca: authority.certificate })).rejects.toThrow(reason);
      server.close();
    }
  });
});

describe('changed files', () => {
  it('serves the new certificate, and keeps the connections there are', async () => {
    const files = opened(writePair(dir.path, 'a', await testLeaf(authority)));
    const { port } = await listening(files);
    const before = await dial(port, { ca: authority.certificate });
    const old = files.certificate().fingerprint;
    expect(served(before)).toBe(old);
    writePair(dir.path, 'a', await testLeaf(authority));
    await waitFor(() => files.certificate().fingerprint !== old);
    const after = await dial(port, { ca: authority.certificate });
    expect(served(after)).toBe(files.certificate().fingerprint);
    expect(served(after)).not.toBe(old);
    expect(await echoed(before, 'still here')).toBe('still here');
    before.destroy();
    after.destroy();
  });

  it('follows a link that is exchanged, as certbot and Kubernetes do', async () => {
    const one = writePair(dir.path, 'one', await testLeaf(authority));
    const two = writePair(dir.path, 'two', await testLeaf(authority));
    const link = { cert: join(dir.path, 'live.crt'), key: join(dir.path, 'live.key') };
    const point = (to: TlsPaths) => {
      for (const which of ['cert', 'key'] as const) symlinkSync(to[which], link[which]);
    };
    point(one);
    const files = opened(link);
    for (const which of ['cert', 'key'] as const) unlinkSync(link[which]);
    point(two);
    await waitFor(() => files.certificate().fingerprint === readTlsFiles(two).fingerprint);
    expect(faults).toEqual([]);
  });

  it.each([
    ['no certificate', () => Promise.resolve('nonsense'), 'bad_file'],
    [
      'one that has ended',
      async () => (await testLeaf(authority, { days: 1, now: Date.now() - 2 * DAY })).certificate,
      'key_mismatch',
    ],
    ['another’s', async () => (await testLeaf(authority)).certificate, 'key_mismatch'],
  ])(
    'keeps the good certificate when the file holds %s, and says so once',
    async (_what, bad, code) => {
      const paths = writePair(dir.path, 'a', await testLeaf(authority));
      const files = opened(paths);
      const { port } = await listening(files);
      const good = files.certificate().fingerprint;
      writeFileSync(paths.cert, await bad());
      await waitFor(() => faults.length > 0);
      files.look();
      files.look();
      expect(faults).toEqual([expect.objectContaining({ code })]);
      const socket = await dial(port, { ca: authority.certificate });
      expect(served(socket)).toBe(good);
      socket.destroy();
      writePair(dir.path, 'a', await testLeaf(authority));
      await waitFor(() => files.certificate().fingerprint !== good);
    },
  );

  it('tells nothing of the moment between two files', async () => {
    const paths = writePair(dir.path, 'a', await testLeaf(authority));
    const files = openTlsFiles(paths, {
      onFault: (error) => faults.push(error),
      pollMs: 3_600_000,
    });
    onTestFinished(() => files.stop());
    const next = await testLeaf(authority);
    writeFileSync(paths.key, next.key);
    files.look();
    writeFileSync(paths.cert, next.certificate);
    files.look();
    expect(faults).toEqual([]);
    expect(files.certificate().fingerprint).toBe(readTlsFiles(paths).fingerprint);
  });

  it('does not begin with a pair that has ended, does not match, or is not there', async () => {
    const ended = await testLeaf(authority, { days: 1, now: Date.now() - 2 * DAY });
    expect(() => opened(writePair(dir.path, 'ended', ended))).toThrow(/ended on/);
    const mixed = { ...(await testLeaf(authority)), key: ended.key };
    expect(() => opened(writePair(dir.path, 'mixed', mixed))).toThrow(/not the key/);
    const none = join(dir.path, 'none');
    expect(() => opened({ cert: none, key: none })).toThrow(/does not exist/);
  });
});

describe('12.1.3 certificates of clients', () => {
  async function guarded(from: 'loopback' | 'elsewhere') {
    const paths = writePair(dir.path, 'a', await testLeaf(authority));
    const ca = join(dir.path, 'clients.crt');
    writeFileSync(ca, authority.certificate);
    const files = opened({ ...paths, ca });
    const refused: string[] = [];
    const server = createServer({ ...files.context(), ...ASK_CLIENTS }, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    requireClientCertificates(server, (_peer, reason) => refused.push(reason));
    if (from === 'elsewhere') {
      // A connection of this machine that says it comes from another one.
      server.prependListener('connection', (socket) => {
        Object.defineProperty(socket, 'remoteAddress', { get: () => '192.0.2.7' });
      });
      server.prependListener('secureConnection', (socket) => {
        Object.defineProperty(socket, 'remoteAddress', { get: () => '192.0.2.7' });
      });
    }
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return { port: portOf(server), refused };
  }

  const shown = (pair: Pair) => ({ cert: pair.certificate, key: pair.key });

  it('from another machine only a certificate of the named authority gets in', async () => {
    const { port, refused } = await guarded('elsewhere');
    const good = await testLeaf(authority, { usage: ['client'], hosts: [] });
    const welcome = await dial(port, { ca: authority.certificate, ...shown(good) });
    expect(await echoed(welcome, 'hello')).toBe('hello');
    welcome.destroy();
    const ended = { usage: ['client'], hosts: [], days: 1, now: Date.now() - 2 * DAY } as const;
    const strangers = [
      {},
      shown(await testLeaf(await testAuthority(), { usage: ['client'], hosts: [] })),
      shown(await testLeaf(authority, ended)),
      shown(await testLeaf(authority, { usage: ['server'] })),
    ];
    for (const stranger of strangers) {
      const socket = await dial(port, { ca: authority.certificate, ...stranger });
      await once(socket.resume(), 'close');
    }
    expect(refused).toHaveLength(strangers.length);
  });

  it('from this machine none is needed, but a bad one is refused all the same', async () => {
    const { port, refused } = await guarded('loopback');
    const without = await dial(port, { ca: authority.certificate });
    expect(await echoed(without, 'hello')).toBe('hello');
    without.destroy();
    const bad = await testLeaf(await testAuthority(), { usage: ['client'], hosts: [] });
    const socket = await dial(port, { ca: authority.certificate, ...shown(bad) });
    await once(socket.resume(), 'close');
    expect(refused).toHaveLength(1);
  });
});
