/** Ends the OPMAS of a data folder from outside, and whatever a killed one left behind. */
import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readJsonIfValid, removeFile } from '../data/files.ts';
import { dataDirLock, lockHolder } from '../data/lock.ts';
import { LaunchError } from '../errors.ts';
import { limits } from '../limits.ts';
import { isAlive, ProcessIdentity } from '../process/identity.ts';
import { endProcesses, sendSignal } from '../process/leftovers.ts';
import { pidFilePath, removeUpFile } from './run-file.ts';

/** In the order in which they are stopped. */
export const CHILDREN = ['collector', 'host', 'server', 'nats', 'postgres'] as const;

export interface DownResult {
  /** Pid of the `opmas up` that was ended; null when none ran. */
  stopped_pid: number | null;
  /** Children of a killed one that were ended. */
  leftovers: { name: string; pid: number }[];
}

/**
 * Ends the `opmas up` that holds the folder, by SIGTERM, and waits until it and its lock are gone;
 * then ends leftovers. Doing it again finds nothing to do.
 * @throws {LaunchError} stop_timeout when it does not end in time
 */
export async function down(
  dataDir: string,
  { timeoutMs = limits.downMs } = {},
): Promise<DownResult> {
  const dir = resolve(dataDir);
  const holder = lockHolder(dir);
  if (holder !== undefined) {
    sendSignal(holder.pid, 'SIGTERM');
    const end = performance.now() + timeoutMs;
    while (isAlive(holder) && performance.now() < end) await delay(20);
    if (isAlive(holder)) {
      throw new LaunchError(
        'stop_timeout',
        `Process ${holder.pid} (${holder.command}) did not end within ${timeoutMs / 1000} s.`,
        `See ${join(dir, 'logs', 'launcher.log')}; as a last resort: kill -9 ${holder.pid}, then this again.`,
      );
    }
  }
  if (!hasRunDir(dir)) return { stopped_pid: null, leftovers: [] };
  const lock = dataDirLock(dir);
  try {
    const leftovers = await endLeftoverChildren(dir);
    removeUpFile(dir);
    return { stopped_pid: holder?.pid ?? null, leftovers };
  } finally {
    lock.release();
  }
}

/** Ends children that a killed `up` left, found by their pid files. The caller holds the lock. */
export async function endLeftoverChildren(
  dataDir: string,
): Promise<{ name: string; pid: number }[]> {
  const ended: { name: string; pid: number }[] = [];
  for (const name of CHILDREN) {
    const path = pidFilePath(dataDir, name);
    const identity = readJsonIfValid(path, ProcessIdentity);
    if (identity !== undefined && isAlive(identity)) {
      const signal = name === 'postgres' ? 'SIGINT' : 'SIGTERM';
      const left = await endProcesses([identity], [{ signal, waitMs: limits.hostGraceMs }]);
      if (left.length > 0) {
        throw new LaunchError(
          'stop_timeout',
          `Process ${identity.pid} (${name} of an earlier run) does not end.`,
          `End it with kill -9 ${identity.pid}, then start again.`,
        );
      }
      ended.push({ name, pid: identity.pid });
    }
    removeFile(path);
  }
  return ended;
}

function hasRunDir(dir: string): boolean {
  try {
    realpathSync(join(dir, 'run'));
    return true;
  } catch {
    return false;
  }
}
