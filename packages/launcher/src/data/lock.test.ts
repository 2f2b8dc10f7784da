/** The lock is what keeps two OPMAS from one folder; nothing else does. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LaunchError } from '../errors.ts';
import { ownIdentity } from '../process/identity.ts';
import { startHelper } from '../testing/spawn.ts';
import { dataDirLock, lockHolder } from './lock.ts';

let dir: TempDir;
beforeEach(() => {
  dir = tempDir('lock');
});
afterEach(() => dir.remove());

test('a second taker is refused and told who holds it', () => {
  const lock = dataDirLock(dir.path);
  expect(lockHolder(dir.path)?.pid).toBe(process.pid);
  expect(() => dataDirLock(dir.path)).toThrow(
    expect.objectContaining({
      code: 'data_dir_locked',
      message: expect.stringContaining(`process ${process.pid} (`) as string,
    }),
  );
  lock.release();
  expect(lockHolder(dir.path)).toBeUndefined();
  dataDirLock(dir.path).release();
});

test('releasing twice does not free the next holder’s lock', () => {
  const first = dataDirLock(dir.path);
  first.release();
  const second = dataDirLock(dir.path);
  first.release();
  expect(() => dataDirLock(dir.path)).toThrow(LaunchError);
  second.release();
});

test('the lock of a killed process is taken over', async () => {
  const helper = await startHelper('hold-lock.ts', [dir.path]);
  expect(helper.firstLine).toBe(`held ${helper.process.pid}`);
  expect(() => dataDirLock(dir.path)).toThrow(LaunchError);
  await helper.kill('SIGKILL');
  dataDirLock(dir.path).release();
});

test('a lock of an earlier boot, or of a reused pid, is taken over', () => {
  const own = ownIdentity();
  dataDirLock(dir.path, { identity: { ...own, boot_id: 'another boot' } });
  const second = dataDirLock(dir.path, { identity: { ...own, start_time: '1' } });
  expect(second.holder.start_time).toBe('1');
  const third = dataDirLock(dir.path);
  expect(() => dataDirLock(dir.path)).toThrow(LaunchError);
  third.release();
});

test('a lock cut short by a power loss is taken over', () => {
  dataDirLock(dir.path).release();
  for (const text of ['', '{"pid":', 'null', '[]']) {
    writeFileSync(join(dir.path, 'run', 'lock'), text);
    dataDirLock(dir.path).release();
  }
});

test('of many that find a dead holder at once exactly one gets the lock', async () => {
  dataDirLock(dir.path, { identity: { ...ownIdentity(), boot_id: 'another boot' } });
  const helpers = await Promise.all(
    Array.from({ length: 6 }, () => startHelper('hold-lock.ts', [dir.path])),
  );
  const lines = helpers.map((helper) => helper.firstLine);
  expect(lines.filter((line) => line.startsWith('held'))).toHaveLength(1);
  expect(lines.filter((line) => line.startsWith('refused'))).toHaveLength(5);
  await Promise.all(
    helpers.map(async (helper) => {
      if (helper.process.exitCode === null) await helper.kill('SIGKILL');
    }),
  );
});

test('an heir that dies before it took the lock is inherited in turn', () => {
  const own = ownIdentity();
  const dead = dataDirLock(dir.path, { identity: { ...own, start_time: '1' } }).holder;
  const heir = { ...dead, start_time: '2', nonce: 'b'.repeat(32) };
  writeFileSync(join(dir.path, 'run', `heir.${dead.nonce}`), JSON.stringify(heir));
  const lock = dataDirLock(dir.path);
  expect(lockHolder(dir.path)?.nonce).toBe(lock.holder.nonce);
  lock.release();
});
