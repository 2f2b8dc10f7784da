/** Writes syslog lines to a TCP port: as fast as it takes them, or at a pace. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface SyslogPort {
  host: string;
  port: number;
}

export async function openSender({ host, port }: SyslogPort): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** Writes chunks while `more` says so, never ahead of what the other side takes. */
export async function sendAll(
  socket: Socket,
  chunk: () => Buffer,
  more: () => boolean,
): Promise<void> {
  while (more()) if (!socket.write(chunk())) await once(socket, 'drain');
}

/** Calls `send` for n = 0 … `count` - 1, each at its time; a late one is sent at once. */
export async function atPace(
  { count, perSecond }: { count: number; perSecond: number },
  send: (n: number) => void,
): Promise<void> {
  const began = performance.now();
  for (let n = 0; n < count; ) {
    const due = Math.floor(((performance.now() - began) / 1000) * perSecond);
    for (; n < count && n <= due; n++) send(n);
    await delay(1);
  }
}

/** Ends the stream; resolves when the other side has read all of it. */
export async function closeSender(socket: Socket): Promise<void> {
  socket.end();
  if (!socket.closed) await once(socket, 'close');
}
