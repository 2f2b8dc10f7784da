/** One process at a time changes a folder: the mark is a file, and one left behind by a dead process expires. */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '../errors.ts';
import { CertificateError } from './errors.ts';
import { certificateLimits } from './limits.ts';

/** How long somebody waits, and from which age on a mark counts as left behind; in milliseconds. */
export interface LockTimes {
  lockWaitMs: number;
  lockPollMs: number;
  lockStaleMs: number;
}

/** @throws {CertificateError} busy when the other process does not end */
export async function withFolderLock<T>(
  path: string,
  run: () => Promise<T>,
  times: LockTimes = certificateLimits,
): Promise<T> {
  const deadline = performance.now() + times.lockWaitMs;
  const token = randomUUID();
  while (!make(path, token)) {
    discardStale(path, times.lockStaleMs);
    if (performance.now() > deadline) {
      throw new CertificateError(
        'busy',
        `Another process holds ${path}.`,
        `When no opmas command runs: rm -f '${path}' '${discarding(path)}'`,
      );
    }
    await delay(times.lockPollMs);
  }
  try {
    return await run();
  } finally {
    release(path, token);
  }
}

/** False when it is there already. */
function make(path: string, content: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    writeFileSync(file, content);
  } finally {
    closeSync(file);
  }
  return true;
}

/**
 * One at a time, and after another look: a second waiter must not take away the fresh mark of the first. Whoever
 * dies in between leaves a file that nobody takes away by itself: a lock that is refused harms less than two.
 */
function discardStale(path: string, staleMs: number): void {
  if (!isStale(path, staleMs) || !make(discarding(path), '')) return;
  try {
    if (isStale(path, staleMs)) rmSync(path, { force: true });
  } finally {
    rmSync(discarding(path), { force: true });
  }
}

function discarding(path: string): string {
  return `${path}.discard`;
}

function isStale(path: string, staleMs: number): boolean {
  const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return since !== undefined && Date.now() - since >= staleMs;
}

/** Its own mark: who was held up for so long that it counted as dead has none any more. */
function release(path: string, token: string): void {
  let held: string;
  try {
    held = readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  if (held === token) rmSync(path, { force: true });
}
