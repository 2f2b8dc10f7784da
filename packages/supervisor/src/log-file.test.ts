/** Pins the agents' log files: bounded, appended to, readable. */
import { writeSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rotateLog, START_MARK, tailOf, withLogFile } from './log-file.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'opmas log '));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('agent log file', () => {
  it('is readable by its owner alone', async () => {
    const path = join(dir, 'logs', 'a.log');
    withLogFile(path, (fd) => writeSync(fd, 'x\n'));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('keeps the newest five files and loses no line of a writer that keeps its descriptor', async () => {
    const path = join(dir, 'a.log');
    await withLogFileAsync(path, async (write) => {
      for (let round = 0; round < 8; round += 1) {
        write(`round ${round}\n`);
        expect(await rotateLog(path, { maxBytes: 4, files: 5 })).toBe(true);
        expect(await rotateLog(path, { maxBytes: 4, files: 5 })).toBe(false);
      }
      write('end\n');
    });
    expect((await readdir(dir)).sort()).toEqual([
      'a.log',
      'a.log.1',
      'a.log.2',
      'a.log.3',
      'a.log.4',
    ]);
    expect(await readFile(path, 'utf8')).toBe('end\n');
    expect(await readFile(`${path}.1`, 'utf8')).toBe('round 7\n');
    expect(await readFile(`${path}.4`, 'utf8')).toBe('round 4\n');
  });

  it('gives the last lines since the last start, of a file of any size', async () => {
    const path = join(dir, 'a.log');
    expect(await tailOf(path)).toEqual([]);
    await writeFile(path, `old\n${START_MARK} 1\nnew 1\nnew 2\n`);
    expect(await tailOf(path, 1)).toEqual(['new 2']);
    expect(await tailOf(path)).toEqual(['new 1', 'new 2']);
    await writeFile(path, `${'long '.repeat(100_000)}\nlast\n`);
    expect(await tailOf(path)).toEqual(['last']);
  });
});

async function withLogFileAsync(
  path: string,
  use: (write: (text: string) => void) => Promise<void>,
) {
  const { open } = await import('node:fs/promises');
  const file = await open(path, 'a');
  try {
    await use((text) => writeSync(file.fd, text));
  } finally {
    await file.close();
  }
}
