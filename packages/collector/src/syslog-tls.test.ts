/** Syslog over TLS by itself: framing, bounds, and whose certificates count. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { createRouter } from '@opmas/ingest';
import {
  createAuthority,
  issueCertificate,
  namesOf,
  openTlsFiles,
  type Pair,
} from '@opmas/keyring/certificates';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Intake } from './intake.ts';
import { collectorLimits } from './limits.ts';
import { listenTcp } from './syslog-tcp.ts';
import { tlsServer } from './syslog-tls.ts';

let dir: TempDir;
let authority: Pair;
beforeEach(async () => {
  dir = tempDir('syslog-tls');
  authority = await createAuthority(Date.now());
});
afterEach(() => dir.remove());

async function certify(usage: 'server' | 'client' = 'server'): Promise<Pair> {
  const hosts = usage === 'server' ? ['127.0.0.1'] : [];
  const names = namesOf(hosts);
  return await issueCertificate(authority, { name: 'x', names, usage: [usage] }, Date.now());
}

function write(pair: Pair): { cert: string; key: string } {
  const paths = { cert: join(dir.path, 'a.crt'), key: join(dir.path, 'a.key') };
  writeFileSync(paths.key, pair.key, { mode: 0o600 });
  writeFileSync(paths.cert, pair.certificate);
  return paths;
}

async function input(
  options: { clients?: boolean; maxConnections?: number; handshakeMs?: number } = {},
) {
  const events: { message: string }[] = [];
  const refused: string[] = [];
  const exchanged: string[] = [];
  const paths = write(await certify());
  const ca = join(dir.path, 'clients.crt');
  if (options.clients === true) writeFileSync(ca, authority.certificate);
  const files = openTlsFiles(
    { ...paths, ca: options.clients === true ? ca : undefined },
    { onFault: (error) => refused.push(error.message), pollMs: 20 },
  );
  const { maxConnections = 10 } = options;
  const intake = new Intake({
    publisher: {
      writable: () => true,
      stats: () => ({
        queued: 0,
        inFlight: 0,
        acked: 0,
        retried: 0,
        refused: 0,
        lastError: undefined,
      }),
      add: (_topic, json) => {
        events.push(JSON.parse(String(json)) as { message: string });
        return true;
      },
    },
    router: createRouter(),
    now: Date.now,
    newId: () => 'id',
  });
  const listening = await listenTcp({
    address: '127.0.0.1',
    port: 0,
    intake,
    now: Date.now,
    maxConnections,
    onTurnedAway: (_peer, reason) => refused.push(reason),
    onError: (error) => {
      throw error;
    },
    server: (accept) =>
      tlsServer(
        {
          files,
          clientCertificates: options.clients === true,
          onExchanged: (fingerprint) => exchanged.push(fingerprint),
          onRefused: (_peer, reason) => refused.push(reason),
        },
        {
          maxConnections,
          ...(options.handshakeMs === undefined ? {} : { handshakeMs: options.handshakeMs }),
        },
        accept,
      ),
  });
  onTestFinished(async () => {
    files.stop();
    await listening.stop();
  });
  return { ...listening, events, refused, exchanged };
}

async function sender(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: authority.certificate, ...options });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

const counted = (line: string) => `${Buffer.byteLength(line)} ${line}`;

describe('syslog over TLS', () => {
  it('takes octet-counted messages, with line breaks in them, however they are cut', async () => {
    const { port, events } = await input();
    const socket = await sender(port);
    const lines = ['<13>one', '<13>two\nand its second line', '<13>drei ä'];
    const bytes = Buffer.from(lines.map(counted).join(''));
    for (let at = 0; at < bytes.length; at += 7) socket.write(bytes.subarray(at, at + 7));
    await waitFor(() => events.length === 3);
    expect(events.map(({ message }) => message)).toEqual([
      'one',
      expect.stringContaining('and its second line'),
      'drei ä',
    ]);
    socket.destroy();
  });

  it('takes a changed certificate without ending the connections there are', async () => {
    const { port, events, exchanged } = await input();
    const before = await sender(port);
    write(await certify());
    await waitFor(() => exchanged.length === 1);
    const after = await sender(port);
    expect(after.getPeerCertificate().fingerprint256).toBe(exchanged[0]);
    before.write(counted('<13>over the old one'));
    after.write(counted('<13>over the new one'));
    await waitFor(() => events.length === 2);
    before.destroy();
    after.destroy();
  });

  it('12.3.3 from this machine too, plain text is not taken on the port of TLS', async () => {
    const { port, events, refused } = await input();
    const plain = connectTcp(port, '127.0.0.1');
    plain.on('error', () => {});
    plain.write('<13>plain text\n');
    await once(plain.resume(), 'close');
    await waitFor(() => refused.length === 1);
    expect(events).toEqual([]);
  });

  it('X25 a handshake that is never finished is cut off, and takes no place of a sender', async () => {
    const { port, events, refused } = await input({ maxConnections: 1, handshakeMs: 100 });
    const silent = connectTcp(port, '127.0.0.1');
    silent.on('error', () => {});
    await once(silent, 'connect');
    const socket = await sender(port);
    socket.write(counted('<13>heard'));
    await waitFor(() => events.length === 1);
    await once(silent.resume(), 'close');
    expect(refused.join()).toMatch(/handshake/i);
    socket.destroy();
  });

  it('X25 a handshake that is never finished does not keep the collector from ending', async () => {
    const { port, stop, events } = await input({ handshakeMs: 600_000 });
    const silent = connectTcp(port, '127.0.0.1');
    silent.on('error', () => {});
    await once(silent, 'connect');
    const socket = await sender(port);
    socket.write(counted('<13>heard'));
    await waitFor(() => events.length === 1);
    await stop();
    await once(silent.resume(), 'close');
    socket.destroy();
  });

  it('X25 handshakes under way are bounded', async () => {
    const { port } = await input({ maxConnections: 1, handshakeMs: 60_000 });
    const closed = new Set<number>();
    const sockets = Array.from({ length: collectorLimits.handshakes + 6 }, (_, index) => {
      const socket = connectTcp(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.on('close', () => closed.add(index));
      return socket.resume();
    });
    await waitFor(() => closed.size === 5);
    for (const socket of sockets) socket.destroy();
  });

  it('12.1.3 with authorities of clients, a sender with a stranger’s certificate is refused', async () => {
    const { port, events, refused } = await input({ clients: true });
    const router = await certify('client');
    const socket = await sender(port, { cert: router.certificate, key: router.key });
    socket.write(counted('<13>known'));
    await waitFor(() => events.length === 1);
    const strangers = await createAuthority(Date.now());
    const request = { name: 'x', names: namesOf([]), usage: ['client'] } as const;
    const stranger = await issueCertificate(strangers, request, Date.now());
    const other = await sender(port, { cert: stranger.certificate, key: stranger.key });
    other.write(counted('<13>unknown'));
    await once(other.resume(), 'close');
    expect(refused).toHaveLength(1);
    expect(events.map(({ message }) => message)).toEqual(['known']);
    socket.destroy();
  });
});
