/** Syslog over UDP: one datagram, one line. What is lost is counted, also what the kernel dropped. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { type Intake, plainAddress } from './intake.ts';
import { collectorLimits } from './limits.ts';

export interface UdpInput {
  port: number;
  /** What the system gave of the buffer asked for, in bytes. */
  bufferBytes: number;
  /** Datagrams the kernel dropped since the start; undefined where the system does not say. */
  kernelDrops(): Promise<number | undefined>;
  stop(): Promise<void>;
}

export interface UdpOptions {
  /** An address, not a name. */
  address: string;
  port: number;
  intake: Intake;
  onError: (error: Error) => void;
}

/** Listens; rejects when the port cannot be had. */
export async function listenUdp(options: UdpOptions): Promise<UdpInput> {
  const { address, intake, onError } = options;
  const six = isIPv6(address);
  const socket = createSocket({
    type: six ? 'udp6' : 'udp4',
    recvBufferSize: collectorLimits.udpBufferBytes,
  });
  socket.on('message', (bytes, from) => intake.takeDatagram(bytes, plainAddress(from.address)));
  const listening = once(socket, 'listening');
  socket.bind({ address, port: options.port, exclusive: true });
  await listening;
  socket.on('error', onError);
  const { port } = socket.address();
  return {
    port,
    bufferBytes: socket.getRecvBufferSize(),
    kernelDrops: () => kernelDrops(six ? '/proc/net/udp6' : '/proc/net/udp', address, port),
    async stop() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

async function kernelDrops(
  table: string,
  address: string,
  port: number,
): Promise<number | undefined> {
  try {
    return dropsIn(await readFile(table, 'latin1'), address, port);
  } catch (error) {
    // Only Linux has the table; elsewhere the figure is unknown.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The `drops` column of the socket bound to `address` and `port` in the text of `/proc/net/udp`;
 * undefined when there is none. IPv6 sockets are told by their port alone.
 */
export function dropsIn(table: string, address: string, port: number): number | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const local = isIPv6(address) ? suffix : `${hexAddress(address)}${suffix}`;
  let drops: number | undefined;
  for (const row of table.split('\n').slice(1)) {
    const columns = row.trim().split(/\s+/);
    const last = Number(columns.at(-1));
    if (columns[1]?.endsWith(local) === true && Number.isSafeInteger(last))
      drops = (drops ?? 0) + last;
  }
  return drops;
}

/** The kernel writes an IPv4 address as one number of the machine's (little-endian) byte order. */
function hexAddress(address: string): string {
  return address
    .split('.')
    .reverse()
    .map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0'))
    .join('');
}
