/** A real nats-server for one test: operator mode with real users, killed and restarted at will. */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  apiPrefix,
  type Credentials,
  createTrust,
  credsFile,
  issueUser,
  natsConfig,
  type Permissions,
  systemCredentials,
  type Trust,
} from '@opmas/bus';
import { type NatsServer, natsBinary, natsServer } from '@opmas/launcher';
import { tempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

export interface TestNatsOptions {
  /** false: no authentication at all, as an external broker may be. */
  operator?: boolean;
  /** PEM files: clients must come over TLS then. With `operator` only. */
  tls?: { certFile: string; keyFile: string };
}

export interface TestUser extends Credentials {
  public_key: string;
  /** Path of a creds file, 0600. */
  file: string;
}

export interface TestNats {
  /** Stays the same over kill and restart. */
  url: string;
  trust: Trust;
  /** Issues a user of the OPMAS account; without permissions it may do everything in it. */
  credsFor(
    name: string,
    permissions?: Permissions,
    times?: { issuedAt?: number; expiresAt?: number },
  ): TestUser;
  /** The system account's user. */
  sysCreds: Credentials;
  /** Path of its creds file, 0600. */
  sysCredsFile: string;
  pid(): number | undefined;
  /** SIGKILL; returns when the process is gone. Its store stays. */
  kill9(): Promise<void>;
  /** Removes what it keeps of accounts, while it does not run: it then knows what it was preloaded with. */
  loseAccounts(): void;
  /** Takes over changed certificate files, by SIGHUP. */
  reload(): void;
  /** Starts it again on the same port and store, ending it first if it runs. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Nothing is shared between two of them. Ready in about 30 ms. */
export async function testNats({ operator = true, tls }: TestNatsOptions = {}): Promise<TestNats> {
  const dir = tempDir('nats');
  const trust = createTrust();
  const serverName = `test-${randomBytes(6).toString('hex')}`;
  const binary = natsBinary({
    dataDir: dir.path,
    bin: process.env['OPMAS_NATS_BIN'],
    path: process.env['PATH'],
  });
  const natsDir = join(dir.path, 'nats');
  const config = (port: number) =>
    operator
      ? natsConfig({ trust, port, dataDir: natsDir, serverName, version: binary.version, tls })
      : openConfig(port, natsDir, serverName);
  const start = () =>
    natsServer({
      dataDir: dir.path,
      bin: binary.path,
      serverName,
      config,
      tls: tls !== undefined,
      revive: false,
    });
  let server: NatsServer = await start();
  let users = 0;
  const sysCredsFile = join(dir.path, 'sys.creds');
  writeFileSync(sysCredsFile, credsFile(systemCredentials(trust)), { mode: 0o600 });
  return {
    url: server.url(),
    trust,
    sysCreds: systemCredentials(trust),
    sysCredsFile,
    credsFor(name, permissions = everything(trust), times = {}) {
      const user = issueUser(trust, { name, permissions, ...times });
      users += 1;
      const file = join(dir.path, `${users}.creds`);
      writeFileSync(file, credsFile(user), { mode: 0o600 });
      return { ...user, file };
    },
    pid: () => server.pid(),
    loseAccounts: () => rmSync(join(natsDir, 'jwt'), { recursive: true }),
    async kill9() {
      const pid = server.pid();
      if (pid === undefined) return;
      process.kill(pid, 'SIGKILL');
      await waitFor(() => !existsSync(`/proc/${pid}`), { what: `the end of nats-server ${pid}` });
    },
    reload: () => server.reload(),
    async restart() {
      const before = server.url();
      await server.stop();
      server = await start();
      if (server.url() !== before) throw new Error(`port of ${before} was taken meanwhile`);
    },
    async stop() {
      await server.stop();
      dir.remove();
    },
  };
}

function everything(trust: Trust): Permissions {
  return { pub: { allow: ['>', `${apiPrefix(trust)}.>`] }, sub: { allow: ['>'] } };
}

function openConfig(port: number, dataDir: string, serverName: string): string {
  return `server_name: ${serverName}
host: 127.0.0.1
port: ${port}
max_payload: ${4 * 1024 * 1024}
jetstream { store_dir: "${join(dataDir, 'js')}", max_mem: 256000000, max_file: 8000000000 }
`;
}
