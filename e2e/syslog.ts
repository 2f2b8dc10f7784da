/** Sends syslog as routers and `logger` send it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';

export interface LogLine {
  /** Facility × 8 + severity; 38 = auth.info, as dropbear logs. */
  priority?: number;
  host?: string;
  program: string;
  pid?: number;
  message: string;
  at?: Date;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** As BusyBox and `logger --rfc3164` write it: local time without a year. */
export function rfc3164({ priority = 38, host = 'router', at = new Date(), ...line }: LogLine) {
  const two = (n: number) => String(n).padStart(2, '0');
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const day = `${MONTHS[at.getMonth()] ?? ''} ${String(at.getDate()).padStart(2, ' ')}`;
  const tag = line.pid === undefined ? line.program : `${line.program}[${line.pid}]`;
  return `<${priority}>${day} ${clock} ${host} ${tag}: ${line.message}`;
}

/** As `logger` of util-linux writes it by default. */
export function rfc5424({ priority = 38, host = 'router', at = new Date(), ...line }: LogLine) {
  const pid = line.pid === undefined ? '-' : String(line.pid);
  const data = '[timeQuality tzKnown="1" isSynced="1" syncAccuracy="250000"]';
  return `<${priority}>1 ${at.toISOString()} ${host} ${line.program} ${pid} - ${data} ${line.message}`;
}

interface Target {
  host: string;
  udp_port: number;
  tcp_port: number;
}

/** One datagram each. */
export async function sendUdp(to: Target, ...lines: readonly string[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const line of lines) {
    await new Promise<void>((resolve, reject) => {
      socket.send(line, to.udp_port, to.host, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  }
  socket.close();
  await once(socket, 'close');
}

/** One connection, lines ended by a newline, in order; returns once the peer has closed too. */
export async function sendTcp(to: Target, ...lines: readonly string[]): Promise<void> {
  const socket = connect(to.tcp_port, to.host);
  await once(socket, 'connect');
  socket.resume();
  socket.end(lines.map((line) => `${line}\n`).join(''));
  await once(socket, 'close');
}
