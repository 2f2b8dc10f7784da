/** One instance at a time uses a folder's windows: held by the kernel, so it ends with its holder, however that dies. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { AgentError, messageOf } from '../errors.ts';

export interface InstanceLock {
  release(): Promise<void>;
}

/**
 * The lock of `dir`, or undefined while another process, or this one, holds it. It is a lock of the kernel on a file
 * of the folder, which only the agent's own user can open: nobody else can take it, see it, or keep the next instance
 * waiting. Node has no such lock by itself, but SQLite has one on every system: a transaction that never writes.
 * @throws {AgentError} OPMAS_SYSTEM_ERROR when the file cannot be made or is something else
 */
export async function instanceLock(dir: string): Promise<InstanceLock | undefined> {
  const path = join(dir, 'instance.lock');
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await (await open(path, 'a', 0o600)).close();
    // Only for agents that need it: it costs memory.
    const sqlite = await import('node:sqlite');
    const file = new sqlite.DatabaseSync(path, { timeout: 0 });
    if (lock(file)) return { release: async () => file.close() };
    file.close();
    return undefined;
  } catch (error) {
    throw new AgentError(
      'OPMAS_SYSTEM_ERROR',
      `${path} cannot be locked (${messageOf(error)}): delete it when no instance of the agent runs`,
      { cause: error },
    );
  }
}

const BUSY = 5;

function lock(file: DatabaseSync): boolean {
  try {
    // A journal would lie beside the file of an instance that was killed.
    file.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === BUSY) return false;
    file.close();
    throw error;
  }
}
