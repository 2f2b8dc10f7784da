/** Who is process N? Read from /proc, so that a reused pid or a zombie is never taken for an agent. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { uptime } from 'node:os';
import { sep } from 'node:path';

export interface Seen {
  /** Opaque; with the boot id it is never given to two processes. */
  startTime: string;
  /** Dead, but not yet collected by its parent: signal 0 would still succeed. */
  zombie: boolean;
}

export interface Ours {
  pid: number;
  instanceId: string;
  /** Leads its own process group, as the processes the host starts do. */
  leader: boolean;
}

export interface ProcessTable {
  bootId(): string;
  /** Undefined when there is no such process. */
  look(pid: number): Seen | undefined;
  /** The instance id in the environment it was started with; undefined when there is none to be read. */
  instanceOf(pid: number): string | undefined;
  /** Processes that carry an instance id and whose state folder or working folder lies under `stateDir`. */
  ours(stateDir: string): Ours[];
  usage(pid: number): { rss_bytes: number; cpu_seconds: number } | undefined;
}

/** The table of this machine: /proc where it exists, else `ps`, which finds no strays. */
export function processTable(): ProcessTable {
  return readText('/proc/self/stat') === undefined ? psTable : procTable;
}

const INSTANCE = 'OPMAS_INSTANCE_ID=';
/** USER_HZ, fixed at 100 on every Linux architecture Node runs on. */
const TICKS = 100;

const procTable: ProcessTable = {
  bootId: () => (readText('/proc/sys/kernel/random/boot_id') ?? 'unknown').trim(),
  look(pid) {
    const fields = statOf(pid);
    if (fields === undefined) return undefined;
    return { startTime: fields[19] ?? '', zombie: fields[0] === 'Z' || fields[0] === 'X' };
  },
  instanceOf(pid) {
    const entry = listOf(`/proc/${pid}/environ`).find((line) => line.startsWith(INSTANCE));
    return entry?.slice(INSTANCE.length);
  },
  ours(stateDir) {
    const found: Ours[] = [];
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      const instanceId = procTable.instanceOf(pid);
      if (instanceId === undefined || !livesUnder(pid, stateDir)) continue;
      const fields = statOf(pid);
      if (fields === undefined || fields[0] === 'Z' || fields[0] === 'X') continue;
      found.push({ pid, instanceId, leader: fields[2] === name });
    }
    return found;
  },
  usage(pid) {
    const fields = statOf(pid);
    const rss = /^VmRSS:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1];
    if (fields === undefined || rss === undefined) return undefined;
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { rss_bytes: Number(rss) * 1024, cpu_seconds: ticks / TICKS };
  },
};

/** The fields of /proc/PID/stat from the third (state, index 0) on; the name before may hold anything. */
function statOf(pid: number): string[] | undefined {
  const text = readText(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

function livesUnder(pid: number, stateDir: string): boolean {
  const inside = (path: string | undefined) =>
    path !== undefined && (path === stateDir || path.startsWith(stateDir + sep));
  const words = listOf(`/proc/${pid}/cmdline`);
  const flag = words.indexOf('--state');
  return (flag !== -1 && inside(words[flag + 1])) || inside(linkOf(`/proc/${pid}/cwd`));
}

const listOf = (path: string): string[] => (readText(path) ?? '').split('\0');

/** Undefined for a process that is gone or another user's: neither is ours. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Simple: adoption works by pid and start time, strays are not found, usage is not told. */
const psTable: ProcessTable = {
  bootId: () => `boot-${Math.round((Date.now() / 1000 - uptime()) / 10)}`,
  look(pid) {
    try {
      const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
      const space = line.indexOf(' ');
      if (space === -1) return undefined;
      return { startTime: line.slice(space).trim(), zombie: line.startsWith('Z') };
    } catch {
      return undefined;
    }
  },
  instanceOf: () => undefined,
  ours: () => [],
  usage: () => undefined,
};
