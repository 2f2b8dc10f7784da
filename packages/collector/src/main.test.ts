/** The process as its launcher sees it: ready line, exit codes, graceful end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { collectorPermissions } from '@opmas/bus';
import { compileCacheEnv, tempDir, waitFor } from '@opmas/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { broker, storedCount, tcp, write } from './testing/rig.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

function run(env: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    env: { ...compileCacheEnv(), PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const text = { stdout: '', stderr: '', ready: '' };
  const keep = (name: keyof typeof text, stream: unknown) =>
    (stream as Readable).on('data', (data: Buffer) => {
      text[name] += data.toString();
    });
  keep('stdout', child.stdout);
  keep('stderr', child.stderr);
  keep('ready', child.stdio[3]);
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, text, ended };
}

it('says when it is ready, follows its routing file, and stores everything before it ends', async () => {
  const dir = tempDir('collector');
  onTestFinished(() => dir.remove());
  writeFileSync(join(dir.path, 'routing.json'), '[{"program":"asterisk","domain":"voip"}]');
  const rigged = await broker();
  const { child, text, ended } = run({
    OPMAS_DATA_DIR: dir.path,
    OPMAS_NATS_URL: rigged.nats.url,
    OPMAS_NATS_CREDS: rigged.nats.credsFor('collector', collectorPermissions('local')).file,
    OPMAS_SYSLOG_PORT: '0',
    OPMAS_READY_FD: '3',
  });
  await waitFor(() => text.ready.endsWith('\n'), { what: 'the ready line' });
  const ready = JSON.parse(text.ready) as { ready: boolean; udp_port: number; tcp_port: number };
  expect(ready.ready).toBe(true);
  expect(ready.udp_port).toBeGreaterThan(0);
  const socket = await tcp(ready.tcp_port);
  await write(socket, '<13>Nov 21 08:14:49 ap asterisk[1]: call\n'.repeat(1000));
  await storedCount(rigged, 1);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  await storedCount(rigged, 1000);
  expect(rigged.stored.every(({ topic }) => topic === 'logs.voip')).toBe(true);
});

it('ends with 78 and every fault on bad settings', async () => {
  const { text, ended } = run({ OPMAS_SYSLOG_PORT: 'x' });
  expect(await ended).toBe(78);
  expect(text.stderr.match(/OPMAS_\w+/g)).toEqual([
    'OPMAS_DATA_DIR',
    'OPMAS_NATS_URL',
    'OPMAS_SYSLOG_PORT',
  ]);
});

it('names the port that is taken, and the setting that moves it', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const { nats } = await broker();
  const { text, ended } = run({
    OPMAS_DATA_DIR: '/tmp',
    OPMAS_NATS_URL: nats.url,
    OPMAS_NATS_CREDS: nats.credsFor('collector', collectorPermissions('local')).file,
    OPMAS_SYSLOG_PORT: String(port),
  });
  expect(await ended).toBe(1);
  expect(text.stderr).toContain(`127.0.0.1:${port} is taken`);
  expect(text.stderr).toContain('OPMAS_SYSLOG_PORT');
});

it('ends at once when told to while the broker is away', async () => {
  const { nats } = await broker();
  const { file } = nats.credsFor('collector', collectorPermissions('local'));
  const { url } = nats;
  await nats.kill9();
  const { child, text, ended } = run({
    OPMAS_DATA_DIR: '/tmp',
    OPMAS_NATS_URL: url,
    OPMAS_NATS_CREDS: file,
    OPMAS_SYSLOG_PORT: '0',
  });
  await waitFor(() => text.stdout.length > 0, { what: 'a first word' });
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});
