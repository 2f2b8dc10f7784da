/** Fetches Debian packages and unpacks them into a folder: nothing is installed on the machine. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { limits } from '../../limits.ts';

const run = promisify(execFile);

/** @throws {Error} where there is no apt, no package list or no such package */
export async function unpack(packages: readonly string[], into: string): Promise<void> {
  const options = { cwd: into, timeout: limits.peerMs };
  await run('apt-get', ['download', '-qq', ...packages], options);
  for (const file of readdirSync(into).filter((name) => name.endsWith('.deb'))) {
    await run('dpkg-deb', ['-x', join(into, file), into], options);
  }
}

/** A peer's rate, or why there is none. */
export async function rateOrReason(
  measure: () => Promise<{ value: number; note: string }>,
): Promise<{ value: number | undefined; note: string }> {
  try {
    return await measure();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { value: undefined, note: reason.split('\n')[0] ?? reason };
  }
}
