/** One host a data folder: two would start every agent twice. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ProcessTable } from './runners/process-table.ts';

export type LockResult = { ok: true; release: () => void } | { ok: false; holder: string };

const ATTEMPTS = 100;

/**
 * Takes the lock at `path`, also from a holder that is dead (other boot, other start time, zombie).
 * The name is made by link(2), which fails when it exists; a stale lock is renamed away and compared,
 * so that of two takers only one succeeds.
 */
export function takeLock(path: string, table: ProcessTable, pid: number = process.pid): LockResult {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const mine = `${pid} ${table.bootId()} ${table.look(pid)?.startTime ?? ''}`;
  const offer = `${path}.${pid}`;
  writeFileSync(offer, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (linked(offer, path)) return { ok: true, release: () => release(path, mine) };
      const holder = contentOf(path);
      if (holder === undefined) continue;
      if (isAlive(holder, table)) return { ok: false, holder: `process ${holder.split(' ')[0]}` };
      removeStale(path, holder, `${offer}.stale`);
    }
    return { ok: false, holder: 'others that take and leave it' };
  } finally {
    rmSync(offer, { force: true });
  }
}

function isAlive(lock: string, table: ProcessTable): boolean {
  const [pid, boot, ...start] = lock.split(' ');
  const seen = boot === table.bootId() ? table.look(Number(pid)) : undefined;
  return seen !== undefined && !seen.zombie && seen.startTime === start.join(' ');
}

/** Between our look and the rename another may have taken it: then it gets its lock back. */
function removeStale(path: string, stale: string, aside: string): void {
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return;
    throw error;
  }
  if (contentOf(aside) !== stale) linked(aside, path);
  rmSync(aside, { force: true });
}

function release(path: string, mine: string): void {
  if (contentOf(path) === mine) rmSync(path, { force: true });
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
