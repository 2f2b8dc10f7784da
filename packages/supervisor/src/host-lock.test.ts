/** Pins the lock: one host a data folder, and no stale lock keeps one out. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takeLock } from './host-lock.ts';
import { processTable } from './runners/process-table.ts';

const table = processTable();
let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'opmas lock '));
  path = join(dir, 'run', 'host.lock');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

it('refuses a second taker and names the first, until it lets go', async () => {
  const first = takeLock(path, table);
  expect(takeLock(path, table, process.ppid)).toEqual({
    ok: false,
    holder: `process ${process.pid}`,
  });
  if (first.ok) first.release();
  expect(takeLock(path, table, process.ppid).ok).toBe(true);
  expect(await readdir(join(dir, 'run'))).toEqual(['host.lock']);
});

it.each([
  ['of another boot', (start: string) => `${process.pid} another-boot ${start}`],
  ['of a process whose number was reused', () => `${process.pid} ${table.bootId()} 1`],
  ['of a dead process', () => `4194304 ${table.bootId()} 1`],
  ['that is rubbish', () => 'rubbish'],
])('takes over a lock %s', async (_, content) => {
  const lock = takeLock(path, table);
  if (lock.ok) lock.release();
  await writeFile(path, content(table.look(process.pid)?.startTime ?? ''));
  expect(takeLock(path, table).ok).toBe(true);
});
