/** A real nats-server child in operator mode for tests: free port, own folder, kill -9 and restart. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  apiPrefix,
  type Bus,
  type BusLogger,
  type ConnectOptions,
  connectBus,
  createTrust,
  issueUser,
  natsConfig,
  type Permissions,
  systemCredentials,
  type Trust,
} from '../index.ts';

export const silent: BusLogger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

/** Everything allowed, JetStream's API among it: for tests that are not about permissions. */
export function everything(trust: Trust): Permissions {
  return { pub: { allow: ['>', `${apiPrefix(trust)}.>`] }, sub: { allow: ['>'] } };
}

/** Resolves when `probe` is true; fails after `ms`, naming what it waited for. */
export async function until(
  what: string,
  probe: () => boolean | Promise<boolean>,
  ms = 15_000,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await probe())) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms in vain for: ${what}`);
    await sleep(5);
  }
}

export class TestNats {
  readonly trust: Trust = createTrust();
  readonly dir = mkdtempSync(join(tmpdir(), 'opmas bus-'));
  #child: ChildProcess | undefined;
  #port = -1;
  #buses: Bus[] = [];

  static async start(): Promise<TestNats> {
    const nats = new TestNats();
    await nats.start();
    return nats;
  }

  get url() {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Starts on the port of the first start, with the same store. */
  async start(): Promise<void> {
    const config = join(this.dir, 'nats.conf');
    writeFileSync(
      config,
      natsConfig({ trust: this.trust, port: this.#port, dataDir: this.dir, serverName: 'test' }),
      { mode: 0o600 },
    );
    const child = spawn(process.env['OPMAS_NATS_BIN'] ?? '/usr/sbin/nats-server', ['-c', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    let log = '';
    child.stderr?.on('data', (data: Buffer) => {
      log += data.toString();
    });
    await until('nats-server ready', () => {
      if (child.exitCode !== null) throw new Error(`nats-server ended: ${log}`);
      return log.includes('Server is ready');
    });
    const ports = join(this.dir, `nats-server_${child.pid}.ports`);
    await until(
      'ports file',
      () => existsSync(ports) && readFileSync(ports, 'utf8').includes('nats://'),
    );
    this.#port = Number(/nats:\/\/[^"]*:(\d+)/.exec(readFileSync(ports, 'utf8'))?.[1]);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  user(name: string, permissions: Permissions = everything(this.trust)) {
    return issueUser(this.trust, { name, permissions });
  }

  async connect(
    name: string,
    permissions: Permissions = everything(this.trust),
    more: Partial<ConnectOptions> = {},
  ): Promise<Bus> {
    const user = this.user(name, permissions);
    return await this.track(
      connectBus({
        url: this.url,
        name,
        logger: silent,
        connectTimeoutMs: 10_000,
        credentials: () => user,
        ...more,
      }),
    );
  }

  async system(): Promise<Bus> {
    const credentials = systemCredentials(this.trust);
    return await this.track(
      connectBus({
        url: this.url,
        name: 'sys',
        logger: silent,
        connectTimeoutMs: 10_000,
        credentials: () => credentials,
      }),
    );
  }

  /** Closed with the server. */
  async track(bus: Promise<Bus>): Promise<Bus> {
    const made = await bus;
    this.#buses.push(made);
    return made;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#buses.map((bus) => bus.close()));
    await this.kill('SIGINT');
    rmSync(this.dir, { recursive: true, force: true });
  }
}
