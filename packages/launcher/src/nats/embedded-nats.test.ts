/** The embedded broker: one port for ever, keys made once, back after every kill, never doubled. */
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ChildEvent } from '../process/child.ts';
import { identityOf } from '../process/identity.ts';
import { startHelper } from '../testing/spawn.ts';
import { natsBinary } from './binary.ts';
import { type EmbeddedNats, type EmbeddedNatsOptions, embeddedNats } from './embedded-nats.ts';

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
  expect(statSync(join(dir.path, 'keys', 'nats-trust.json')).mode & 0o077).toBe(0);
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
