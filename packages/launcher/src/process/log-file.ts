/** A child's log file: the child appends to it itself, so it survives us; we only cut and quote it. */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { privateDir } from '../data/files.ts';
import { limits } from '../limits.ts';

/** Opens for appending, mode 0600. The caller closes. */
export function openLog(path: string): number {
  privateDir(dirname(path));
  return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600);
}

/**
 * Copies a log that reached `maxBytes` to `<path>.1` (older ones move up, the oldest goes) and
 * empties it. Lines written between copy and cut are lost; the writer is never disturbed.
 */
export function rotateLog(
  path: string,
  {
    maxBytes = limits.logBytes,
    files = limits.logFiles,
  }: { maxBytes?: number; files?: number } = {},
): boolean {
  if (sizeOf(path) < maxBytes) return false;
  for (let index = files - 1; index >= 1; index -= 1) {
    if (existsSync(`${path}.${index}`)) renameSync(`${path}.${index}`, `${path}.${index + 1}`);
  }
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
  return true;
}

/** Size in bytes, 0 when there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Text from byte `from` (0 again when the file was cut since), at most the last `maxBytes`. */
export function readLog(
  path: string,
  from: number,
  maxBytes: number = limits.logTailBytes,
): string {
  if (!existsSync(path)) return '';
  const fd = openSync(path, 'r');
  try {
    const size = fstatSync(fd).size;
    const start = Math.max(from > size ? 0 : from, size - maxBytes);
    const buffer = Buffer.alloc(size - start);
    const length = readSync(fd, buffer, 0, buffer.length, start);
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(fd);
  }
}
