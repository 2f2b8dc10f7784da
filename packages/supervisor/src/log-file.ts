/** Agents write straight into files (a pipe would tie them to the host); this opens, rotates and reads those. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { copyFile, open, rename, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { limits } from './limits.ts';

/** Begins the line the host writes into an agent's log before each start. */
export const START_MARK = '--- opmas';

/** Opens `path` for appending (0600), gives the descriptor to `use`, and closes it again. */
export function withLogFile<T>(path: string, use: (descriptor: number) => T): T {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const descriptor = openSync(path, 'a', 0o600);
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Rotates `path` when it has grown beyond `maxBytes`: `path.1` is the newest of `files - 1` old ones.
 * The writer keeps its descriptor, so the file is copied and cut, not renamed; with O_APPEND the
 * writer goes on at the new end. What is written between the last look and the cut is lost.
 */
export async function rotateLog(
  path: string,
  {
    maxBytes = limits.logBytes,
    files = limits.logFiles,
  }: { maxBytes?: number; files?: number } = {},
): Promise<boolean> {
  const size = await sizeOf(path);
  if (size === undefined || size <= maxBytes) return false;
  for (let n = files - 2; n >= 1; n -= 1) {
    if ((await sizeOf(`${path}.${n}`)) !== undefined)
      await rename(`${path}.${n}`, `${path}.${n + 1}`);
  }
  await copyFile(path, `${path}.1`);
  await copyRest(path, `${path}.1`);
  await truncate(path, 0);
  return true;
}

/** Appends what was written to `from` while it was being copied; once, so a flood cannot hold us. */
async function copyRest(from: string, to: string): Promise<void> {
  const [have, want] = [await sizeOf(to), await sizeOf(from)];
  if (have === undefined || want === undefined || want <= have) return;
  const rest = await readRange(from, have, Math.min(want - have, limits.logBytes));
  const file = await open(to, 'a');
  try {
    await file.writeFile(rest);
  } finally {
    await file.close();
  }
}

/** The last `lines` lines since the last start, from at most 64 KiB; empty when there is no such file. */
export async function tailOf(path: string, lines: number = limits.tailLines): Promise<string[]> {
  const size = await sizeOf(path);
  if (size === undefined || size === 0) return [];
  const from = Math.max(0, size - limits.tailBytes);
  const text = (await readRange(path, from, size - from)).toString('utf8');
  const all = text.split('\n');
  if (from > 0) all.shift();
  if (all.at(-1) === '') all.pop();
  const started = all.findLastIndex((line) => line.startsWith(START_MARK));
  return all.slice(started + 1).slice(-lines);
}

async function readRange(path: string, from: number, bytes: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
