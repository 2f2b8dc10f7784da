/** `opmas up` with real servers and stand-in parts: order, revival, one holder, nothing left behind. */
import { once } from 'node:events';
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { lockHolder } from '../data/lock.ts';
import { identityOf } from '../process/identity.ts';
import { processesIn } from '../process/leftovers.ts';
import { type Helper, startHelper } from '../testing/spawn.ts';
import { down } from './down.ts';
import type { Progress } from './progress.ts';
import { type RunningInstance, runningInstance } from './run-file.ts';
import { readSettings, type Settings } from './settings.ts';
import { type Running, type UpOptions, up } from './up.ts';

const PART = join(import.meta.dirname, '..', 'testing', 'part.mjs');
const SCRIPTS = { server: PART, host: PART, collector: PART };

/** One for all, as a folder is used: only the first start makes a database in it. */
let dir: TempDir;
let helpers: Helper[] = [];
let own: Running[] = [];
beforeAll(() => {
  dir = tempDir('up');
});
afterEach(async () => {
  for (const helper of helpers) if (helper.process.exitCode === null) await helper.kill('SIGKILL');
  helpers = [];
  for (const running of own) await running.stop();
  own = [];
  await down(dir.path);
});
afterAll(() => dir.remove());

function environment(more: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    OPMAS_DATA_DIR: dir.path,
    OPMAS_HTTP_PORT: '0',
    OPMAS_SYSLOG_PORT: '0',
    ...(process.env['OPMAS_NATS_BIN'] ? { OPMAS_NATS_BIN: process.env['OPMAS_NATS_BIN'] } : {}),
    ...more,
  };
}

function settings(more: Record<string, string> = {}) {
  const read = readSettings(environment(more), dir.path);
  if (!read.ok) throw new Error(JSON.stringify(read.errors));
  return read.value;
}

/** `up` in this process, ended with the test whatever happens in it. */
async function upHere(settingsHere: Settings, options: UpOptions = {}): Promise<Running> {
  const running = await up(settingsHere, { scripts: SCRIPTS, ...options });
  own.push(running);
  return running;
}

async function startUp(): Promise<Helper> {
  const helper = await startHelper('run-up.ts', [], environment());
  helpers.push(helper);
  expect(helper.firstLine).toMatch(/^up /);
  return helper;
}

function instance(): RunningInstance {
  const found = runningInstance(dir.path);
  if (found === undefined) throw new Error('nothing runs');
  return found;
}

/** Everything of this data folder that runs: the parts and the broker, and PostgreSQL by its own folder. */
function processesLeft(): number[] {
  const real = realpathSync(dir.path);
  const folders = [real, join(real, 'nats'), join(real, 'postgres'), join(real, 'postgres', '18')];
  return folders.flatMap((folder) => processesIn(folder)).map(({ pid }) => pid);
}

test('starts in order, tells what runs, stops in reverse order and leaves nothing', async () => {
  const progress: Progress[] = [];
  const running = await up(settings(), {
    scripts: SCRIPTS,
    onProgress: (one) => progress.push(one),
  });
  const found = instance();
  expect(found.children.map(({ name, alive }) => [name, alive])).toEqual(
    ['postgres', 'nats', 'server', 'host', 'collector'].map((name) => [name, true]),
  );
  expect(found.url).toBe(running.url);
  await running.stop();
  await running.stop();
  const kinds = (kind: string) =>
    progress.flatMap((one) =>
      one.kind === 'child' && one.event.kind === kind ? [one.event.name] : [],
    );
  expect(kinds('started').slice(0, 3)).toEqual(['postgres', 'nats', 'server']);
  expect(kinds('stopped')).toEqual(['collector', 'host', 'server', 'nats', 'postgres']);
  expect(processesLeft()).toEqual([]);
  expect(lockHolder(dir.path)).toBeUndefined();
  expect(runningInstance(dir.path)).toBeUndefined();
});

test('a second one on the same folder is refused, naming the first', async () => {
  const first = await startUp();
  await expect(up(settings(), { scripts: SCRIPTS })).rejects.toMatchObject({
    code: 'data_dir_locked',
    message: expect.stringContaining(`process ${first.process.pid} (`) as string,
  });
  expect(instance().pid).toBe(first.process.pid);
});

test('a killed part comes back, with the port it had', async () => {
  const record = join(dir.path, 'record');
  rmSync(record, { force: true });
  const handed = settings();
  const server = { ...handed.handedOn.server, PART_RECORD: record };
  await upHere({ ...handed, handedOn: { ...handed.handedOn, server } });
  const before = instance().children.find(({ name }) => name === 'server')?.pid ?? 0;
  process.kill(before, 'SIGKILL');
  await waitFor(() => readFileSync(record, 'utf8').trim().split('\n').length === 2);
  await waitFor(() => instance().children.every(({ alive }) => alive));
  const [first, second] = readFileSync(record, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>);
  expect(first?.['OPMAS_HTTP_PORT']).toBe('0');
  expect(second?.['OPMAS_HTTP_PORT']).toBe('18080');
  expect(second?.['OPMAS_NATS_URL']).toBe(first?.['OPMAS_NATS_URL']);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends everything', async (signal) => {
  const helper = await startUp();
  expect(await helper.kill(signal)).toBe(0);
  expect(processesLeft()).toEqual([]);
  expect(lockHolder(dir.path)).toBeUndefined();
});

test('kill -9 takes everything along, and the next start finds no hindrance', async () => {
  const helper = await startUp();
  const pids = instance().children.map(({ pid }) => pid ?? 0);
  await helper.kill('SIGKILL');
  await waitFor(() => pids.every((pid) => identityOf(pid) === undefined), {
    what: 'the end of all children',
    timeoutMs: 25_000,
  });
  expect(runningInstance(dir.path)).toBeUndefined();
  await startUp();
});

test('down ends it from outside, and again finds nothing to do', async () => {
  const helper = await startUp();
  expect(await down(dir.path)).toMatchObject({ stopped_pid: helper.process.pid });
  expect(processesLeft()).toEqual([]);
  expect(await down(dir.path)).toEqual({ stopped_pid: null, leftovers: [] });
  expect(await down(join(dir.path, 'never', 'used'))).toMatchObject({ stopped_pid: null });
  expect(existsSync(join(dir.path, 'never'))).toBe(false);
});

test('a taken port is refused before anything is started', async () => {
  const OPMAS_DATA_DIR = join(dir.path, 'unused');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? String(address.port) : '';
  for (const name of ['OPMAS_HTTP_PORT', 'OPMAS_SYSLOG_PORT']) {
    await expect(upHere(settings({ OPMAS_DATA_DIR, [name]: port }))).rejects.toMatchObject({
      code: 'port_taken',
      message: expect.stringContaining(`process ${process.pid} (`) as string,
      fix: expect.stringContaining(name) as string,
    });
  }
  server.close();
  expect(existsSync(join(OPMAS_DATA_DIR, 'postgres'))).toBe(false);
  expect(lockHolder(OPMAS_DATA_DIR)).toBeUndefined();
});

test('a data folder that cannot be made is named', async () => {
  writeFileSync(join(dir.path, 'file'), '');
  await expect(
    upHere(settings({ OPMAS_DATA_DIR: join(dir.path, 'file', 'data') })),
  ).rejects.toMatchObject({ code: 'data_dir_unusable' });
});

test('a part that cannot start stops everything again and frees the folder', async () => {
  const broken = settings();
  const server = { ...broken.handedOn.server, PART_EXIT: '78', PART_SAYS: 'OPMAS_Y is wrong' };
  await expect(
    up({ ...broken, handedOn: { ...broken.handedOn, server } }, { scripts: SCRIPTS }),
  ).rejects.toMatchObject({
    code: 'child_config',
    message: expect.stringContaining('OPMAS_Y is wrong') as string,
  });
  expect(processesLeft()).toEqual([]);
  expect(lockHolder(dir.path)).toBeUndefined();
});

test('an interruption at any step of the start leaves nothing', async () => {
  for (const step of ['starting PostgreSQL', 'starting NATS', 'starting server', 'starting host']) {
    const abort = new AbortController();
    const onProgress = (one: Progress) => {
      if (one.kind === 'step' && one.text === step) abort.abort();
    };
    await expect(
      up(settings(), { scripts: SCRIPTS, onProgress, signal: abort.signal }),
    ).rejects.toThrow();
    expect([step, processesLeft()]).toEqual([step, []]);
    expect(lockHolder(dir.path)).toBeUndefined();
  }
});

test('external servers are used as they are, without embedded ones', async () => {
  const record = join(dir.path, 'record-external');
  rmSync(record, { force: true });
  const external = settings({
    OPMAS_DATABASE_URL: 'postgres://app:p@db.example/opmas',
    OPMAS_NATS_URL: 'nats://broker.example:4222',
    OPMAS_ROLES: 'api',
  });
  const server = { ...external.handedOn.server, PART_RECORD: record };
  const running = await upHere({ ...external, handedOn: { ...external.handedOn, server } });
  expect(running.info.children).toEqual(['server']);
  expect(running.info.embedded).toEqual([]);
  await running.stop();
  const seen = JSON.parse(readFileSync(record, 'utf8')) as Record<string, string>;
  expect(seen['OPMAS_DATABASE_URL']).toBe('postgres://app:p@db.example/opmas');
  expect(seen['OPMAS_DATABASE_MIGRATE_URL']).toBe('postgres://app:p@db.example/opmas');
  expect(seen['OPMAS_NATS_URL']).toBe('nats://broker.example:4222');
  expect(seen).not.toHaveProperty('OPMAS_NATS_CREDS');
});
