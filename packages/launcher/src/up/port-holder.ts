/** Says whether a port can be taken, and if not, which process has it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { errnoOf, LaunchError } from '../errors.ts';
import { limits } from '../limits.ts';
import { isFree } from '../nats/port.ts';
import { commandOf } from '../process/identity.ts';

export interface PortNeed {
  protocol: 'tcp' | 'udp';
  host: string;
  port: number;
  /** What for, in a sentence: `the web page`. */
  what: string;
  setting: string;
}

/** @throws {LaunchError} port_taken, naming the holder. Port 0 is always free. */
export async function requirePort({
  protocol,
  host,
  port,
  what,
  setting,
}: PortNeed): Promise<void> {
  if (port === 0) return;
  const free = protocol === 'tcp' ? await isFree(port, host) : await isUdpFree(port, host);
  if (free) return;
  const low = port < 1024 && process.getuid?.() !== 0;
  const holder = portHolder(port, protocol);
  const by =
    holder === undefined
      ? low
        ? 'needs the right to ports below 1024'
        : 'is taken by another program'
      : `is taken by process ${holder.pid} (${holder.command})`;
  throw new LaunchError(
    'port_taken',
    `Port ${port}/${protocol} on ${host}, for ${what}, ${by}.`,
    `Stop that program, or set ${setting} to another port (0 takes any).`,
  );
}

async function isUdpFree(port: number, host: string): Promise<boolean> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.bind({ port, address: host, exclusive: true });
    await once(socket, 'listening');
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EADDRINUSE' || errnoOf(error) === 'EACCES') return false;
    throw error;
  } finally {
    socket.close();
  }
}

/** The process that listens there, where /proc may be read; undefined otherwise. */
export function portHolder(
  port: number,
  protocol: 'tcp' | 'udp',
): { pid: number; command: string } | undefined {
  if (process.platform !== 'linux') return undefined;
  const sockets = new Set(
    [protocol, `${protocol}6`]
      .flatMap((table) => socketsOn(table, port))
      .map((inode) => `socket:[${inode}]`),
  );
  if (sockets.size === 0) return undefined;
  for (const name of readdirSync('/proc').slice(0, limits.processScan)) {
    if (!/^\d+$/.test(name) || !holdsOne(name, sockets)) continue;
    return { pid: Number(name), command: commandOf(Number(name)) ?? 'unknown command' };
  }
  return undefined;
}

/** Inodes of listening TCP (state 0A) or bound UDP sockets. */
function socketsOn(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1);
  const inodes: string[] = [];
  for (const row of rows) {
    const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
    if (local?.endsWith(wanted) !== true || inode === undefined) continue;
    if (table.startsWith('udp') || state === '0A') inodes.push(inode);
  }
  return inodes;
}

function holdsOne(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) =>
      sockets.has(linkOf(`/proc/${pid}/fd/${fd}`)),
    );
  } catch {
    return false; // gone, or another user's
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}
