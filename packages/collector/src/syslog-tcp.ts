/** Syslog over TCP: no line read is ever dropped; when the queue is full the sender has to wait. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SyslogFramer } from '@opmas/ingest';
import { type Intake, plainAddress } from './intake.ts';
import { collectorLimits } from './limits.ts';

export interface TcpInput {
  port: number;
  connections(): number;
  /**
   * Takes no new connection, reads what has already arrived, and closes. Resolves when every line read
   * is in the queue, or `lastReadMs` are over.
   */
  stop(): Promise<void>;
}

export interface TcpOptions {
  /** An address, not a name. */
  address: string;
  port: number;
  intake: Intake;
  maxConnections?: number;
  idleMs?: number;
  /** What listens; absent: plain TCP. */
  server?: (accept: (socket: Socket) => void) => Server;
  /** A connection was refused or made room: from where, and why. */
  onTurnedAway: (peer: string, reason: string) => void;
  onError: (error: Error) => void;
  now: () => number;
}

interface Connection {
  socket: Socket;
  peer: string;
  heardAt: number;
  done: Promise<void>;
}

/** Listens; rejects when the port cannot be had. */
export async function listenTcp(options: TcpOptions): Promise<TcpInput> {
  const { intake, now, onTurnedAway } = options;
  const { maxConnections = collectorLimits.connections, idleMs = collectorLimits.idleMs } = options;
  const open = new Set<Connection>();
  const life = { ended: false };

  const makeRoom = (peer: string): boolean => {
    if (open.size < maxConnections) return true;
    const idlest = [...open].reduce((a, b) => (b.heardAt < a.heardAt ? b : a));
    if (now() - idlest.heardAt < idleMs) {
      onTurnedAway(peer, `${maxConnections} connections are open`);
      return false;
    }
    onTurnedAway(idlest.peer, 'idle, and another needs the place');
    open.delete(idlest);
    idlest.socket.destroy();
    return true;
  };

  const accept = (socket: Socket) => {
    const peer = plainAddress(socket.remoteAddress ?? '');
    socket.on('error', () => socket.destroy()); // a peer that resets is an everyday thing
    if (life.ended || !makeRoom(peer)) {
      intake.counts.rejected++;
      socket.destroy();
      return;
    }
    const connection: Connection = { socket, peer, heardAt: now(), done: Promise.resolve() };
    open.add(connection);
    connection.done = readLines(connection, intake, now, life)
      .catch((error: unknown) => {
        if (!isHangUp(error)) options.onError(asError(error));
      })
      .finally(() => {
        open.delete(connection);
        socket.destroy();
      });
  };
  const server = (options.server ?? plainServer)(accept);
  // All there are, those in a handshake too, which nobody has accepted yet.
  const raw = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    raw.add(socket);
    socket.once('close', () => raw.delete(socket));
  });
  const listening = once(server, 'listening');
  server.listen({ host: options.address, port: options.port, exclusive: true });
  await listening;
  server.on('error', options.onError);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');

  return {
    port: address.port,
    connections: () => open.size,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      const left = [...open];
      for (const { socket } of left) {
        socket.setTimeout(collectorLimits.quietMs, () => socket.destroy());
      }
      const deadline = new AbortController();
      await Promise.race([
        Promise.all(left.map(({ done }) => done)),
        delay(collectorLimits.lastReadMs, undefined, { signal: deadline.signal }).catch(() => {}),
      ]);
      deadline.abort();
      life.ended = true;
      for (const { socket } of open) socket.destroy();
      for (const socket of raw) socket.destroy();
      await closed;
    },
  };
}

function plainServer(accept: (socket: Socket) => void): Server {
  const options = { keepAlive: true, keepAliveInitialDelay: collectorLimits.keepAliveMs };
  return createServer(options, accept);
}

/**
 * Reads to the end of the stream. The next bytes are only asked for when every line of the ones before
 * is in the queue: so the kernel's window fills, and the sender waits.
 */
async function readLines(
  connection: Connection,
  intake: Intake,
  now: () => number,
  life: { readonly ended: boolean },
): Promise<void> {
  const { socket, peer } = connection;
  const framer = new SyslogFramer((frame, truncated) => intake.takeLine(frame, peer, truncated));
  const room = async () => {
    while (!intake.hasRoom() && !life.ended) await intake.whenRoom();
    return !life.ended;
  };
  try {
    for await (const chunk of socket) {
      if (!Buffer.isBuffer(chunk)) throw new Error('the socket gave text');
      connection.heardAt = now();
      for (let at = 0; at < chunk.length; ) {
        if (!(await room())) return;
        at += framer.push(chunk.subarray(at));
      }
    }
  } finally {
    if (await room()) framer.end();
  }
}

function isHangUp(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(error.code))
  );
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
