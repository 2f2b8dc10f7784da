/** Children are waited for, revived, stopped, and never outlive us. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startHelper } from '../testing/spawn.ts';
import { Child, type ChildEvent, type ChildPlan } from './child.ts';
import { identityOf } from './identity.ts';

const PART = join(import.meta.dirname, '..', 'testing', 'part.mjs');

let dir: TempDir;
let children: Child[] = [];
beforeEach(() => {
  dir = tempDir('child');
});
afterEach(async () => {
  for (const child of children) await child.stop();
  children = [];
  dir.remove();
});

function child(env: Record<string, string> = {}, plan: Partial<ChildPlan> = {}) {
  const events: ChildEvent[] = [];
  const made = new Child(
    {
      name: 'part',
      command: () => ({ file: process.execPath, args: [PART], env, cwd: dir.path }),
      ready: 'line',
      readyTimeoutMs: 20_000,
      stopSignal: 'SIGTERM',
      graceMs: 5_000,
      logFile: join(dir.path, 'part.log'),
      pidFile: join(dir.path, 'part.json'),
      ...plan,
    },
    { onEvent: (event) => events.push(event) },
  );
  children.push(made);
  return { child: made, events };
}

test('start gives the details of the ready line; stop leaves no process and no pid file', async () => {
  const { child: part, events } = child({ OPMAS_SYSLOG_PORT: '5514' });
  expect(await part.start()).toMatchObject({ udp_port: 5514 });
  const pid = part.pid ?? 0;
  expect(identityOf(pid)).toMatchObject(
    JSON.parse(readFileSync(join(dir.path, 'part.json'), 'utf8')) as object,
  );
  await part.stop();
  expect(identityOf(pid)).toBeUndefined();
  expect(existsSync(join(dir.path, 'part.json'))).toBe(false);
  expect(events.map(({ kind }) => kind)).toEqual(['started', 'stopped']);
});

test('a killed child is back at once, with a command asked for anew', async () => {
  let starts = 0;
  const { child: part, events } = child(
    {},
    {
      command: () => {
        starts += 1;
        const env = { OPMAS_SYSLOG_PORT: String(starts) };
        return { file: process.execPath, args: [PART], env, cwd: dir.path };
      },
    },
  );
  await part.start();
  const first = part.pid ?? 0;
  process.kill(first, 'SIGKILL');
  await waitFor(() => events.filter(({ kind }) => kind === 'started').length === 2);
  expect(part.pid).not.toBe(first);
  expect(part.details).toMatchObject({ udp_port: 2 });
  expect(events[1]).toMatchObject({ kind: 'exited', reason: 'ended by SIGKILL', restartInMs: 0 });
});

test('a child that cannot start fails with its own last words, and nothing of it is left', async () => {
  const { child: part } = child({ PART_EXIT: '3', PART_SAYS: 'the disk is full' });
  await expect(part.start()).rejects.toMatchObject({
    code: 'child_failed',
    message: expect.stringContaining('the disk is full') as string,
  });
});

test('wrong settings are told apart from a crash', async () => {
  const { child: part } = child({ PART_EXIT: '78', PART_SAYS: 'OPMAS_X is wrong' });
  await expect(part.start()).rejects.toMatchObject({ code: 'child_config' });
});

test('a child that never becomes ready is ended', async () => {
  const { child: part } = child({ PART_READY: 'never' }, { readyTimeoutMs: 300 });
  await expect(part.start()).rejects.toThrow(/not ready within 0.3 s/);
  expect(identityOf(part.pid ?? 0)).toBeUndefined();
});

test.each(['{"ready":false}\n', 'hello\n', `${'x'.repeat(70_000)}`])(
  'a wrong ready line is refused',
  async (line) => {
    const { child: part } = child({ PART_READY: line });
    await expect(part.start()).rejects.toThrow(/ready line/);
  },
);

test('a child that ignores the stop signal is killed after its grace', async () => {
  const { child: part } = child({ PART_DEAF: '1' }, { graceMs: 200 });
  await part.start();
  const pid = part.pid ?? 0;
  await part.stop();
  expect(identityOf(pid)).toBeUndefined();
});

test('a program that does not exist is named', async () => {
  const { child: part } = child(
    {},
    { command: () => ({ file: '/no/such/program', args: [], env: {}, cwd: dir.path }) },
  );
  await expect(part.start()).rejects.toThrow(/cannot run \/no\/such\/program/);
});

test.runIf(process.platform === 'linux')(
  'kill -9 of the parent takes the child along',
  async () => {
    const helper = await startHelper('parent.ts', [dir.path]);
    const pid = Number(helper.firstLine);
    expect(identityOf(pid)).toBeDefined();
    await helper.kill('SIGKILL');
    await waitFor(() => identityOf(pid) === undefined, { what: 'the death of the child' });
  },
);
