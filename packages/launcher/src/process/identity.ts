/** Tells one process from any other that has, had or will have the same pid: pid, start time, boot id. */
import { execFileSync, type StdioOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Static, Type } from '@opmas/protocol';
import { errnoOf } from '../errors.ts';

export const ProcessIdentity = Type.Object({
  pid: Type.Integer({ minimum: 1 }),
  /** Clock ticks after boot on Linux, the start date elsewhere; only ever compared. */
  start_time: Type.String({ minLength: 1, maxLength: 64 }),
  boot_id: Type.String({ minLength: 1, maxLength: 64 }),
});
export type ProcessIdentity = Static<typeof ProcessIdentity>;

/** The identity of a live process; undefined when none runs under this pid (a zombie does not run). */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const startTime = process.platform === 'linux' ? linuxStartTime(pid) : psStartTime(pid);
  return startTime === undefined ? undefined : { pid, start_time: startTime, boot_id: bootId() };
}

/** Does exactly this process still run? False after a reboot and for a reused pid. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  return now?.start_time === identity.start_time && now.boot_id === identity.boot_id;
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  const own = identityOf(process.pid);
  if (own === undefined) throw new Error('the own process is not in the process table');
  return own;
}

/** The command line of a process for messages, at most 200 characters; undefined when unreadable. */
export function commandOf(pid: number): string | undefined {
  const args = argumentsOf(pid);
  return args === undefined ? undefined : args.join(' ').slice(0, 200);
}

/** The argument list of a live process; undefined when it is gone or may not be read. */
export function argumentsOf(pid: number): string[] | undefined {
  if (process.platform !== 'linux') {
    const line = ps(pid, 'command=');
    return line === undefined ? undefined : line.split(' ');
  }
  const text = readProc(`/proc/${pid}/cmdline`);
  return text === undefined || text === '' ? undefined : text.replace(/\0$/, '').split('\0');
}

/** State and start time stand after the last `)`: the name before it may hold anything. */
function linuxStartTime(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  if (state === 'Z' || state === 'X') return undefined;
  return fields[19];
}

function psStartTime(pid: number): string | undefined {
  const line = ps(pid, 'stat=,lstart=');
  if (line === undefined || line.startsWith('Z')) return undefined;
  return line.slice(line.indexOf(' ')).trim().slice(0, 64);
}

function ps(pid: number, columns: string): string | undefined {
  try {
    const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
    const args = ['-o', columns, '-p', String(pid)];
    const line = execFileSync('ps', args, { encoding: 'utf8', stdio }).trim();
    return line === '' ? undefined : line;
  } catch {
    return undefined; // ps exits 1 when there is no such process
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ESRCH' || errno === 'EACCES') return undefined;
    throw error;
  }
}

let cachedBootId: string | undefined;

function bootId(): string {
  cachedBootId ??= readBootId();
  return cachedBootId;
}

function readBootId(): string {
  if (process.platform === 'linux') {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  }
  const text = execFileSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8' });
  return /sec = (\d+)/.exec(text)?.[1] ?? 'unknown';
}
