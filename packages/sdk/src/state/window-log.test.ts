/** The file of windows: torn lines, replacements, and one instance at a time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LockedWindowFile } from './locked-window-file.ts';

let dir: TempDir;
beforeEach(() => {
  dir = tempDir('windows');
});
afterEach(() => dir.remove());

const path = () => join(dir.path, 'windows.jsonl');

async function linesOf(log: LockedWindowFile): Promise<string[]> {
  const lines: string[] = [];
  await log.read((line) => lines.push(line));
  return lines;
}

test('gives back what was added, in order, after any replacement', async () => {
  const log = new LockedWindowFile(dir.path);
  expect(await linesOf(log)).toEqual([]);
  await log.replace([['a', 'b'], [], ['c']]);
  await log.append(['d']);
  expect(log.size).toBe(readFileSync(path()).length);
  expect(await linesOf(log)).toEqual(['a', 'b', 'c', 'd']);
  await log.replace([['e']]);
  await log.append(['f', 'g']);
  await log.close();
  expect(await linesOf(new LockedWindowFile(dir.path))).toEqual(['e', 'f', 'g']);
});

test('a replacement that fails leaves what was there', async () => {
  const log = new LockedWindowFile(dir.path);
  await log.replace([['a']]);
  const failing = function* (): Generator<string[]> {
    yield ['b'];
    throw new Error('no memory left');
  };
  await expect(log.replace(failing())).rejects.toThrow('no memory left');
  expect(await linesOf(log)).toEqual(['a']);
  await log.replace([['c']]);
  expect(await linesOf(log)).toEqual(['c']);
  await log.close();
});

test('a torn last line is given as it is; a file of another format is not read', async () => {
  const log = new LockedWindowFile(dir.path);
  await log.replace([['a']]);
  await log.close();
  appendFileSync(path(), '{"rule":"r","ke');
  expect(await linesOf(log)).toEqual(['a', '{"rule":"r","ke']);
  writeFileSync(path(), '{"format":"opmas-windows","version":2}\na\n');
  expect(await linesOf(log)).toEqual([]);
});

test('one instance at a time has it, and the next when it lets go', async () => {
  const logs = Array.from({ length: 5 }, () => new LockedWindowFile(dir.path));
  const taken = await Promise.all(logs.map((log) => log.take()));
  expect(taken.filter(Boolean)).toHaveLength(1);
  const holder = logs[taken.indexOf(true)];
  expect(await holder?.take()).toBe(true);
  await holder?.close();
  const [first, second] = logs.filter((log) => log !== holder);
  expect(await first?.take()).toBe(true);
  expect(await second?.take()).toBe(false);
  await first?.close();
  expect(readdirSync(dir.path)).toEqual(['instance.lock']);
});

test('a damaged lock file is told', async () => {
  writeFileSync(join(dir.path, 'instance.lock'), 'rubbish');
  await expect(new LockedWindowFile(dir.path).take()).rejects.toThrow(
    'instance.lock cannot be locked',
  );
});

test('the lock of an instance that was killed is free at once', async () => {
  const module = new URL('./instance-lock.ts', import.meta.url).href;
  const script = `import { instanceLock } from ${JSON.stringify(module)};
    const lock = await instanceLock(${JSON.stringify(dir.path)});
    process.stdout.write(lock === undefined ? 'waits' : 'holds');
    setInterval(() => {}, 60_000);`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(other, 'exit');
  expect(String((await once(other.stdout, 'data'))[0])).toBe('holds');
  const mine = new LockedWindowFile(dir.path);
  expect(await mine.take()).toBe(false);
  other.kill('SIGKILL');
  await exited;
  expect(await mine.take()).toBe(true);
  await mine.close();
});
