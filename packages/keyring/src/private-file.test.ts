/** Small files are whole or not there, also on a disk that takes only a part of them. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writePrivate } from './private-file.ts';

let dir: TempDir;
beforeEach(() => {
  dir = tempDir('private');
});
afterEach(() => dir.remove());

test('one that cannot be written whole leaves the one before it, and nothing beside it', () => {
  const path = join(dir.path, 'key');
  writePrivate(path, 'the old one');
  const module = fileURLToPath(new URL('private-file.ts', import.meta.url));
  const program = `process.on('SIGXFSZ', () => {});
    const { writePrivate } = await import(${JSON.stringify(module)});
    try {
      writePrivate(${JSON.stringify(path)}, 'x'.repeat(100_000));
    } catch (error) {
      process.stdout.write(error.code);
    }`;
  // At most 4 KiB a file: the rest of a write is refused, as on a full disk.
  const { stdout } = spawnSync(
    'bash',
    ['-c', 'ulimit -f 4; exec "$0" --input-type=module -e "$1"', process.execPath, program],
    { encoding: 'utf8' },
  );
  expect(stdout).toBe('EFBIG');
  expect(readFileSync(path, 'utf8')).toBe('the old one');
  expect(readdirSync(dir.path)).toEqual(['key']);
});
