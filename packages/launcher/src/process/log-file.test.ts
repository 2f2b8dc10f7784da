/** Log files stay bounded while their writers go on. */
import { closeSync, existsSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLog, readLog, rotateLog } from './log-file.ts';

let dir: TempDir;
beforeEach(() => {
  dir = tempDir('log');
});
afterEach(() => dir.remove());

test('a full log moves up, the oldest goes, and the open writer goes on at the start', () => {
  const path = join(dir.path, 'x.log');
  const fd = openLog(path);
  const bounds = { maxBytes: 10, files: 2 };
  for (const text of ['one 6789\n', 'x', 'two 6789\n', 'x', 'three 89\n', 'x', 'four']) {
    writeSync(fd, text);
    rotateLog(path, bounds);
  }
  closeSync(fd);
  expect(readFileSync(path, 'utf8')).toBe('four');
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('three 89\nx');
  expect(readFileSync(`${path}.2`, 'utf8')).toBe('two 6789\nx');
  expect(existsSync(`${path}.3`)).toBe(false);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('reading begins where told, at zero after a cut, and never takes more than asked', () => {
  const path = join(dir.path, 'x.log');
  const fd = openLog(path);
  writeSync(fd, 'abcdef');
  closeSync(fd);
  expect(readLog(path, 2)).toBe('cdef');
  expect(readLog(path, 100)).toBe('abcdef');
  expect(readLog(path, 0, 2)).toBe('ef');
  expect(readLog(join(dir.path, 'none'), 0)).toBe('');
});
