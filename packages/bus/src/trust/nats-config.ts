/** The configuration text of an embedded nats-server in operator mode. */
import { join } from 'node:path';
import type { Trust } from './trust.ts';

export interface NatsConfigOptions {
  trust: Trust;
  /** -1: any free port, told by the ports file. */
  port: number;
  host?: string;
  /** Absolute folder of the broker's own files: `js/`, `jwt/`. */
  dataDir: string;
  /** Absolute folder for `nats.pid` and `nats-server_<pid>.ports`. */
  runDir?: string;
  serverName: string;
  /** Bytes. */
  maxMemory?: number;
  maxFile?: number;
  /** Largest message: an event of 1 MB, its finding around it, and headers. */
  maxPayload?: number;
  /** The OPMAS account's JWT to preload instead of the trust's own (with today's revocations). */
  accountJwt?: string;
  /** `nats-server --version`; options that a server lacks are left out (an unknown one stops it). */
  version?: string;
  /** Written only where the server knows it (2.10); `always` makes acknowledged writes survive power loss. */
  syncInterval?: string;
  /** Environment variable of the broker that holds the key its files are encrypted with. */
  storeKeyVariable?: string;
  /** PEM files, absolute. Clients must come over TLS then; the server speaks 1.2 and newer. */
  tls?: { certFile: string; keyFile: string } | undefined;
}

/** A user's JWT travels in the CONNECT line; an agent of 64 topics needs 30 KB. The default is 4 KB. */
const MAX_CONTROL_LINE = 65_536;

/** A handshake that is not done by then is cut off, in seconds: a machine under load takes one. */
const TLS_TIMEOUT_S = 5;

/** No monitoring port is opened: it would have no authentication. */
export function natsConfig(options: NatsConfigOptions): string {
  const { trust, dataDir, host = '127.0.0.1' } = options;
  const { runDir = dataDir, maxMemory = 256_000_000, maxFile = 8_000_000_000 } = options;
  const { maxPayload = 4 * 1024 * 1024, accountJwt = trust.account.jwt } = options;
  const sync =
    options.syncInterval !== undefined && atLeast(options.version, 2, 10)
      ? `\n  sync_interval: ${quote(options.syncInterval)}`
      : '';
  const encryption =
    options.storeKeyVariable === undefined
      ? ''
      : `\n  cipher: chachapoly\n  key: $${options.storeKeyVariable}`;
  return `server_name: ${quote(options.serverName)}
host: ${quote(host)}
port: ${options.port}
pid_file: ${quote(join(runDir, 'nats.pid'))}
ports_file_dir: ${quote(runDir)}
max_payload: ${maxPayload}
max_control_line: ${MAX_CONTROL_LINE}
write_deadline: "10s"${tlsBlock(options.tls)}
jetstream {
  store_dir: ${quote(join(dataDir, 'js'))}
  max_mem: ${maxMemory}
  max_file: ${maxFile}${sync}${encryption}
}
operator: ${trust.operator_jwt}
system_account: ${trust.system.account.public_key}
resolver {
  type: full
  dir: ${quote(join(dataDir, 'jwt'))}
  allow_delete: true
  interval: "2m"
  limit: 1000
}
resolver_preload {
  ${trust.system.account.public_key}: ${trust.system.jwt}
  ${trust.account.identity.public_key}: ${accountJwt}
}
`;
}

function tlsBlock(tls: NatsConfigOptions['tls']): string {
  if (tls === undefined) return '';
  return `
tls {
  cert_file: ${quote(tls.certFile)}
  key_file: ${quote(tls.keyFile)}
  timeout: ${TLS_TIMEOUT_S}
}`;
}

/** Is `version` (`nats-server: v2.9.10`, `2.10.1`) at least major.minor? False when unknown. */
export function atLeast(version: string | undefined, major: number, minor: number): boolean {
  const match = /(\d+)\.(\d+)\.(\d+)/.exec(version ?? '');
  if (match === null) return false;
  const [have, haveMinor] = [Number(match[1]), Number(match[2])];
  return have > major || (have === major && haveMinor >= minor);
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
