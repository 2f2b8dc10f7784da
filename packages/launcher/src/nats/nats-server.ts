/** A nats-server child with a configuration file: started, known by its name, revived, its errors heard. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { parse, Type } from '@opmas/protocol';
import { jsonOf, privateDir, removeFile, writePrivate } from '../data/files.ts';
import { limits } from '../limits.ts';
import { Child, type ChildEvent } from '../process/child.ts';
import { endProcesses, processesWith } from '../process/leftovers.ts';
import { readLog, sizeOf } from '../process/log-file.ts';
import type { ReadyDetails } from '../process/ready-line.ts';
import { withDeathSignal } from '../process/wrapper.ts';
import { keptPort } from './port.ts';

export interface NatsServerOptions {
  /** Absolute; `nats/`, `run/` and `logs/` in it are used. */
  dataDir: string;
  bin: string;
  /** Told to clients at once on connecting; by it we know that the port is ours. */
  serverName: string;
  /** The configuration for a port. */
  config: (port: number) => string;
  host?: string;
  /** Does the configuration demand TLS of clients? */
  tls?: boolean;
  /** Variables the configuration refers to. */
  env?: Readonly<Record<string, string>>;
  revive?: boolean;
  onEvent?: (event: ChildEvent) => void;
  /** After a revival another program had the kept port. */
  onPortChanged?: (port: number) => void;
}

export interface NatsServer {
  /** `nats://127.0.0.1:<port>`, or `tls://`; asks anew after a revival. */
  url(): string;
  port(): number;
  pid(): number | undefined;
  /** Pids of an earlier run that had to be ended first. */
  leftovers: readonly number[];
  child: Child;
  /** Takes over changed certificate files. Version 2.9 closes every connection at it: clients come back. */
  reload(): void;
  /** May be called twice. */
  stop(): Promise<void>;
}

const Info = Type.Object({ server_name: Type.String(), jetstream: Type.Optional(Type.Boolean()) });

/** @throws {LaunchError} child_failed with the server's own words */
export async function natsServer(options: NatsServerOptions): Promise<NatsServer> {
  const { dataDir, serverName, host = '127.0.0.1', onEvent = () => {} } = options;
  const home = privateDir(join(dataDir, 'nats'));
  const configFile = join(home, 'nats.conf');
  const logFile = join(dataDir, 'logs', 'nats.log');
  const leftovers: number[] = [];
  let port = 0;

  const prepare = async () => {
    leftovers.push(...(await endLeftovers(configFile)));
    const before = port;
    port = await keptPort(join(home, 'port'), host);
    writePrivate(configFile, options.config(port));
    if (before !== 0 && before !== port) options.onPortChanged?.(port);
  };
  const child = new Child(
    {
      name: 'nats',
      prepare,
      command: () => ({
        ...withDeathSignal({ file: options.bin, args: ['-c', configFile] }, 'SIGTERM'),
        env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', TZ: 'UTC', ...options.env },
        cwd: home,
      }),
      ready: () => answers(port, host, serverName),
      readyTimeoutMs: limits.natsReadyMs,
      stopSignal: 'SIGTERM',
      graceMs: limits.natsGraceMs,
      logFile,
      pidFile: join(dataDir, 'run', 'nats.pid.json'),
      revive: options.revive ?? true,
    },
    { onEvent },
  );
  const errors = logErrors(logFile, (text) => onEvent({ kind: 'warning', name: 'nats', text }));
  await child.start();
  errors.start();
  return {
    url: () => `${options.tls === true ? 'tls' : 'nats'}://${host}:${port}`,
    port: () => port,
    pid: () => child.pid,
    leftovers,
    child,
    reload: () => child.reload(),
    async stop() {
      errors.stop();
      await child.stop();
      removeFile(join(dataDir, 'run', 'nats.pid')); // its own; it leaves it behind
    },
  };
}

/** Ends what an earlier run left behind: exactly the processes that were given our configuration file. */
async function endLeftovers(configFile: string): Promise<number[]> {
  const left = processesWith(configFile);
  const stubborn = await endProcesses(left, [{ signal: 'SIGTERM', waitMs: limits.natsGraceMs }]);
  if (stubborn.length > 0) throw new Error(`a nats-server of an earlier run does not end`);
  return left.map(({ pid }) => pid);
}

/** A nats-server introduces itself in its first line; ours has our name. */
function answers(port: number, host: string, name: string): Promise<ReadyDetails | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, host);
    const end = (details: ReadyDetails | undefined) => {
      socket.destroy();
      resolve(details);
    };
    socket.setTimeout(1_000, () => end(undefined));
    socket.on('error', () => end(undefined));
    socket.on('close', () => end(undefined));
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      const stop = text.indexOf('\r\n');
      if (stop < 0 && text.length < limits.readyLineBytes) return;
      const info = parse(Info, jsonOf(text.slice('INFO '.length, stop)));
      end(info.ok && info.value.server_name === name ? { port } : undefined);
    });
  });
}

/** A client that hangs up in its handshake, as our own look at the port does: no fault of the broker. */
const CLIENTS_OWN = /TLS handshake error: (EOF|read tcp .* connection reset)/;

/** nats-server reports some refusals (no JetStream, for one) only in its log. */
function logErrors(logFile: string, onError: (text: string) => void) {
  let offset = sizeOf(logFile);
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    const size = sizeOf(logFile);
    if (size === offset) return;
    const text = readLog(logFile, offset, limits.logScanBytes);
    offset = size;
    const errors = text
      .split('\n')
      .filter((line) => line.includes('[ERR]') && !CLIENTS_OWN.test(line));
    for (const line of errors.slice(-limits.logErrorLines)) onError(line.trim());
  };
  return {
    start() {
      look();
      timer = setInterval(look, limits.logCheckMs);
      timer.unref();
    },
    stop: () => clearInterval(timer),
  };
}
