/** The command line against the real product: from nothing to a finding and back to nothing. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { compileCacheEnv, shareCompileCache, tempDir, waitFor } from '@opmas/testkit';
import { afterAll, expect, test } from 'vitest';
import { EXIT } from './exit-codes.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const place = tempDir('whole');
const env = {
  ...compileCacheEnv(),
  PATH: process.env['PATH'],
  HOME: place.path,
  OPMAS_DATA_DIR: join(place.path, 'data'),
  OPMAS_AGENTS_DIR: join(place.path, 'agents'),
  OPMAS_HTTP_PORT: '0',
  OPMAS_SYSLOG_PORT: '0',
};
let running: ChildProcess | undefined;

afterAll(async () => {
  if (running !== undefined && running.exitCode === null && running.signalCode === null) {
    const ended = once(running, 'exit');
    running.kill('SIGTERM');
    await ended;
  }
  place.remove();
});

interface Done {
  code: number;
  out: string;
  err: string;
}

function opmas(...args: string[]): Promise<Done> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { cwd: place.path, env }, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, out, err });
    });
  });
}

async function json<T>(...args: string[]): Promise<T> {
  const { out } = await opmas(...args, '--json');
  return JSON.parse(out) as T;
}

const slow = { timeoutMs: 60_000, pollMs: 500 };

test('init, up, status, doctor, a log line, its finding, restart, down', async () => {
  mkdirSync(join(place.path, 'agents'));
  expect((await opmas('status')).code).toBe(EXIT.unreachable);
  expect((await opmas('init', 'agent', 'door_agent', '--rules')).code).toBe(EXIT.ok);

  shareCompileCache(env.OPMAS_DATA_DIR);
  running = spawn(process.execPath, [MAIN, 'up', '--json'], { cwd: place.path, env });
  const [line] = (await once(running.stdout ?? running, 'data')) as [Buffer];
  const { url } = JSON.parse(line.toString('utf8')) as { url: string };
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);

  type Listed = { name: string; status: string; pid: number | null };
  const agents = () => json<Listed[]>('agents', 'ls');
  await waitFor(async () => (await agents())[0]?.status === 'running', {
    ...slow,
    what: 'the scaffolded agent running',
  });
  expect((await opmas('status')).code).toBe(EXIT.ok);
  const doctor = await opmas('doctor', '--json');
  expect(doctor.code, doctor.out).toBe(EXIT.ok);
  expect(await json('whoami')).toMatchObject({ kind: 'local' });

  // The template's own example of what its rule is about.
  type Rules = { rules: { examples?: { match: string[] } }[] };
  const { config } = await json<{ config: Rules }>('config', 'get', 'DoorAgent');
  const example = config.rules.flatMap(({ examples }) => examples?.match ?? [])[0] ?? '';
  expect(example).not.toBe('');
  const sent = await opmas('events', 'send', '--domain', 'system', example);
  expect(sent, sent.err).toMatchObject({ code: EXIT.ok });
  const found = await waitFor(
    async () => (await json<{ finding_id: string }[]>('findings', 'ls', '--agent', 'door'))[0],
    { ...slow, what: 'the finding' },
  );
  expect((await opmas('findings', 'show', found.finding_id)).out).toContain(example);

  const before = (await agents())[0]?.pid;
  const restarted = await opmas('agents', 'restart', 'DoorAgent', '--wait');
  expect(restarted, restarted.err).toMatchObject({ code: EXIT.ok });
  expect((await agents())[0]?.pid).not.toBe(before);

  const ended = once(running, 'exit');
  expect((await opmas('down')).code).toBe(EXIT.ok);
  expect(await ended).toEqual([EXIT.ok, null]);
  expect(existsSync(join(place.path, 'data', 'run', 'lock'))).toBe(false);
  expect((await opmas('agents', 'ls')).code).toBe(EXIT.unreachable);
}, 240_000);
