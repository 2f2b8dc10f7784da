/**
 * The OPMAS that runs on a data folder, read from its run file. The launcher's own reader checks more and
 * takes ten times as long to load; every command that talks to the server needs this one.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';

export interface LocalInstance {
  url: string;
}

/** Undefined when none runs there, or its server does not answer yet. */
export function localInstance(dataDir: string): LocalInstance | undefined {
  const file = readObject(join(dataDir, 'run', 'up.json'));
  const { url, pid, start_time: startTime } = file ?? {};
  if (typeof url !== 'string' || !URL.canParse(url) || typeof pid !== 'number') return undefined;
  return lives(pid, startTime) ? { url: new URL(url).origin } : undefined;
}

/** The token of whoever can read the data folder, see docs/decisions/0003-local-owner.md. */
export function localToken(dataDir: string): string | undefined {
  const token = readIfThere(join(dataDir, 'run', 'local.token'))?.trim();
  return token === '' ? undefined : token;
}

/** A stale run file must not send the token to whoever has the port now. */
function lives(pid: number, startTime: unknown): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') return false;
  }
  if (process.platform !== 'linux') return true;
  const stat = readIfThere(`/proc/${pid}/stat`);
  // The name before the last `)` may hold anything; the start time is field 22.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] === startTime;
}

function readObject(path: string): Record<string, unknown> | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // being written by another version
    throw error;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    // EACCES: another user's instance; this user signs in instead.
    if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'EACCES' || errno === 'ESRCH') {
      return undefined;
    }
    throw error;
  }
}
