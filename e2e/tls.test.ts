/** OPMAS_TLS=auto: every hop over TLS that verifies, certificates renewed and an authority exchanged while it runs. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import type { FindingRecord } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FeedClient, feedClient } from './feed-client.ts';
import { limits } from './limits.ts';
import { CLI, type Product, startProduct } from './product.ts';
import { rfc5424 } from './syslog.ts';

let product: Product;
let feed: FeedClient;
const wellKnown = getCACertificates('default');

beforeAll(async () => {
  product = await startProduct({
    agents: ['security_agent'],
    env: { OPMAS_TLS: 'auto', OPMAS_SYSLOG_TLS_PORT: '0' },
  });
}, limits.startMs);

afterAll(async () => {
  feed?.close();
  await product?.stop();
  setDefaultCACertificates(wellKnown);
}, limits.stopMs * 2);

const bundle = () => readFileSync(join(product.dataDir, 'keys', 'tls', 'ca.crt'), 'utf8');
const authorities = (text: string) => text.split('-----BEGIN CERTIFICATE-----').length - 1;
const portOf = (url: string) => Number(new URL(url).port);

async function opmas(...args: string[]): Promise<unknown> {
  const words = [CLI, ...args, '--json', '--data-dir', product.dataDir];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  return JSON.parse(stdout);
}

/** What a listener shows now. */
async function served(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', ca: bundle() });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

function syslogTlsPort(): number {
  const file: unknown = JSON.parse(readFileSync(join(product.dataDir, 'run', 'up.json'), 'utf8'));
  const { syslog } = file as { syslog: { tls_port: number } };
  return syslog.tls_port;
}

/** Octet-counted, as rsyslog and syslog-ng send it. */
async function sendTls(line: string): Promise<void> {
  const socket = connect({ port: syslogTlsPort(), host: '127.0.0.1', ca: bundle() });
  await once(socket, 'secureConnect');
  socket.resume().end(`${Buffer.byteLength(line)} ${line}`);
  await once(socket, 'close');
}

async function findingAbout(ip: string): Promise<FindingRecord[]> {
  const message = `Bad password attempt for 'root' from ${ip}:40022`;
  await sendTls(rfc5424({ program: 'dropbear', pid: 7, message }));
  return await waitFor(
    async () => {
      const found = (await product.findings()).filter((one) => JSON.stringify(one).includes(ip));
      return found.length > 0 ? found : undefined;
    },
    {
      timeoutMs: limits.waitMs,
      what: `a finding about ${ip}: ${product.log('agents/SecurityAgent.log').slice(-2_000)}`,
    },
  );
}

describe('12.2.1 HTTPS', () => {
  test('the server is reached over HTTPS, and its certificate is verified', async () => {
    expect(product.url).toMatch(/^https:\/\/127\.0\.0\.1:/);
    expect(product.setupUrl).toMatch(/^https:/);
    await expect(fetch(`${product.url}/health`)).rejects.toMatchObject({
      cause: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
    });
    setDefaultCACertificates([...wellKnown, bundle()]);
    expect((await fetch(`${product.url}/health`)).status).toBe(200);
  });

  test('plain HTTP on its port is not answered', async () => {
    const socket = connectTcp(portOf(product.url), '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await once(socket, 'close');
    expect(heard).not.toContain('"status"');
  });

  test('the command line knows the authority of its data folder', async () => {
    expect(await opmas('status')).toMatchObject({ running: true, health: { status: 'ready' } });
  });
});

describe('12.3.1 every hop', () => {
  test('a line over TLS becomes a finding of an agent that came up over TLS', async () => {
    await product.waitForAgents(1);
    feed = await feedClient({ ...product, url: product.url, topics: ['findings'] });
    expect(await findingAbout('203.0.113.50')).toHaveLength(1);
    await feed.waitFor(({ type }) => type === 'finding', 'the finding on the feed');
    const config = readFileSync(join(product.dataDir, 'nats', 'nats.conf'), 'utf8');
    expect(config).toMatch(/^tls \{/m);
    expect(product.log('agents/SecurityAgent.log')).not.toContain('"critical"');
  });
});

describe('renewal while it runs', () => {
  test('every listener takes the new certificate, and no connection of a client ends', async () => {
    const nats = Number(readFileSync(join(product.dataDir, 'nats', 'port'), 'utf8'));
    const ports = [portOf(product.url), syslogTlsPort()];
    const before = await Promise.all(ports.map(served));
    const [natsBefore] = await natsCertificates(nats);
    expect(await opmas('certs', 'rotate')).toMatchObject({ renewed: ['nats', 'server'] });
    await waitFor(
      async () => {
        const now = await Promise.all(ports.map(served));
        return now.every((one, index) => one !== before[index]);
      },
      { timeoutMs: limits.waitMs, what: 'the new certificate on both ports' },
    );
    await waitFor(async () => (await natsCertificates(nats))[0] !== natsBefore, {
      timeoutMs: limits.waitMs,
      what: 'the new certificate of the broker',
    });
    expect(await findingAbout('203.0.113.51')).toHaveLength(1);
    // The same connection as before the renewal tells of it.
    await feed.waitFor(
      (message) => message.type === 'finding' && JSON.stringify(message).includes('203.0.113.51'),
      'the finding on the feed of before',
    );
  });

  test(
    'an authority is exchanged with overlap: running agents follow, and new ones start',
    async () => {
      const agent = await product.agent('SecurityAgent');
      const copy = join(product.dataDir, 'agents', agent.agent_id, 'ca.crt');
      await opmas('certs', 'rotate', '--ca');
      expect(authorities(bundle())).toBe(2);
      await waitFor(() => authorities(readFileSync(copy, 'utf8')) === 2, {
        timeoutMs: limits.waitMs,
        what: "the agent's copy",
      });
      await opmas('certs', 'rotate');
      setDefaultCACertificates([...wellKnown, bundle()]);
      const signer = async () => {
        const socket = connect({ port: portOf(product.url), host: '127.0.0.1', ca: bundle() });
        await once(socket, 'secureConnect');
        const { issuer } = socket.getPeerCertificate();
        socket.destroy();
        return issuer.CN;
      };
      const [newest] = (await opmas('certs', 'ls')) as { subject: string }[];
      await waitFor(async () => newest?.subject.endsWith(String(await signer())) === true, {
        timeoutMs: limits.waitMs,
        what: 'a certificate of the new authority',
      });
      expect(await findingAbout('203.0.113.52')).toHaveLength(1);
      expect((await product.agent('SecurityAgent')).restarts).toBe(agent.restarts);
      const action = await product.command(agent.agent_id, 'restart');
      expect(action.state).toBe('done');
      await product.waitForAgents(1);
      expect(await findingAbout('203.0.113.53')).toHaveLength(1);
    },
    limits.agentsMs,
  );
});

/** The broker speaks a line of plain text before it goes over to TLS. */
async function natsCertificates(port: number): Promise<string[]> {
  const plain = connectTcp(port, '127.0.0.1');
  await once(plain, 'data');
  const socket = connect({ socket: plain, ca: bundle() });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return [fingerprint256];
}
