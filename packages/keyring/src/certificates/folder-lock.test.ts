import { existsSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withFolderLock } from './folder-lock.ts';

let dir: TempDir;
let path: string;
beforeEach(() => {
  dir = tempDir('lock');
  path = join(dir.path, '.lock');
});
afterEach(() => dir.remove());

const times = { lockWaitMs: 300, lockPollMs: 5, lockStaleMs: 60_000 };
const long = { ...times, lockWaitMs: 20_000 };

/** As a process leaves it that died two minutes ago. */
function leaveBehind(file: string): void {
  writeFileSync(file, 'of a dead process');
  const then = new Date(Date.now() - 120_000);
  utimesSync(file, then, then);
}

describe('the lock of a folder', () => {
  test('lets one in at a time, also where one was left behind', async () => {
    leaveBehind(path);
    let inside = 0;
    let most = 0;
    let done = 0;
    await Promise.all(
      Array.from({ length: 20 }, () =>
        withFolderLock(
          path,
          async () => {
            inside += 1;
            most = Math.max(most, inside);
            await new Promise((resolve) => setImmediate(resolve));
            inside -= 1;
            done += 1;
          },
          long,
        ),
      ),
    );
    expect([most, done]).toEqual([1, 20]);
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.discard`)).toBe(false);
  });

  test('one that was left behind is not touched while another waiter discards it', async () => {
    leaveBehind(path);
    writeFileSync(`${path}.discard`, '');
    const refused = withFolderLock(path, async () => undefined, times);
    await expect(refused).rejects.toMatchObject({
      code: 'busy',
      fix: expect.stringContaining(`'${path}.discard'`),
    });
    expect(existsSync(path)).toBe(true);
    rmSync(`${path}.discard`);
    expect(await withFolderLock(path, async () => 'in', long)).toBe('in');
  });

  test('who was held up until it counted as dead does not take away the mark of who came next', async () => {
    await withFolderLock(
      path,
      async () => {
        rmSync(path);
        writeFileSync(path, 'of another process');
      },
      times,
    );
    expect(existsSync(path)).toBe(true);
  });

  test('is given back when the work fails', async () => {
    const failing = withFolderLock(path, () => Promise.reject(new Error('no')), times);
    await expect(failing).rejects.toThrow('no');
    expect(existsSync(path)).toBe(false);
  });
});
