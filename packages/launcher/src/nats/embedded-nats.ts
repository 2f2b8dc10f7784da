/** The broker of one machine: operator mode, keys made once, one user with listed permissions for each of our processes. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  apiPrefix,
  collectorPermissions,
  credsFile,
  hostPermissions,
  issueUser,
  natsConfig,
  type Permissions,
  serverPermissions,
  systemCredentials,
  type Trust,
} from '@opmas/bus';
import { privateDir, writePrivate } from '../data/files.ts';
import type { ChildEvent } from '../process/child.ts';
import { natsBinary } from './binary.ts';
import { keptAccount } from './kept-account.ts';
import { type NatsServer, natsServer } from './nats-server.ts';
import { brokerKeys } from './trust-file.ts';

export interface EmbeddedNatsOptions {
  /** Absolute; the caller holds its lock. */
  dataDir: string;
  hostId: string;
  /** Opens the keys kept in the data folder; `keys/master.key` in it unless given. */
  masterKeyFile?: string;
  /** OPMAS_NATS_BIN. */
  bin?: string | undefined;
  /** PATH, to look for the program. */
  path?: string | undefined;
  /** Room of the EVENTS stream; the other streams get theirs on top. */
  eventsMaxBytes?: number;
  /** Absolute paths of PEM files; absent: no TLS. It listens on loopback either way. */
  tls?: { certFile: string; keyFile: string } | undefined;
  onEvent?: (event: ChildEvent) => void;
  onPortChanged?: (port: number) => void;
}

/** Paths of creds files, 0600. */
export interface CredsFiles {
  server: string;
  host: string;
  collector: string;
}

export interface EmbeddedNats extends Omit<NatsServer, 'child'> {
  trust: Trust;
  creds: CredsFiles;
  /** The system account's user, for the server alone. */
  sysCreds: string;
  version: string;
}

const STORE_KEY_VARIABLE = 'OPMAS_JS_KEY';
/** Room for findings, telemetry, dead letters, feed and KV, in bytes. */
const OTHER_STREAMS_BYTES = 8_000_000_000;

/** @throws {LaunchError} nats_missing, child_failed, data_dir_unusable */
export async function embeddedNats(options: EmbeddedNatsOptions): Promise<EmbeddedNats> {
  const { dataDir, eventsMaxBytes = 4_000_000_000 } = options;
  const binary = natsBinary(options);
  const { trust, storeKey } = brokerKeys(
    dataDir,
    options.masterKeyFile ?? join(dataDir, 'keys', 'master.key'),
  );
  const serverName = `opmas-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
  const runDir = privateDir(join(dataDir, 'run'));
  const { child: _, ...server } = await natsServer({
    dataDir,
    bin: binary.path,
    serverName,
    tls: options.tls !== undefined,
    // By environment: neither the process list nor the configuration file shows it.
    env: { [STORE_KEY_VARIABLE]: storeKey },
    config: (port) =>
      natsConfig({
        trust,
        accountJwt: keptAccount(dataDir, trust),
        port,
        dataDir: join(dataDir, 'nats'),
        runDir,
        serverName,
        maxFile: eventsMaxBytes + OTHER_STREAMS_BYTES,
        version: binary.version,
        syncInterval: 'always',
        storeKeyVariable: STORE_KEY_VARIABLE,
        tls: options.tls,
      }),
    ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    ...(options.onPortChanged === undefined ? {} : { onPortChanged: options.onPortChanged }),
  });
  const sysCreds = join(dataDir, 'keys', 'nats-sys.creds');
  writePrivate(sysCreds, credsFile(systemCredentials(trust)));
  const creds = writeCreds(
    dataDir,
    { hostId: options.hostId, api: apiPrefix(trust) },
    (name, permissions) => credsFile(issueUser(trust, { name, permissions })),
  );
  return { ...server, trust, creds, sysCreds, version: binary.version };
}

/** Issued anew at every start, so that changed permissions take effect. */
export function writeCreds(
  dataDir: string,
  { hostId, api }: { hostId: string; api?: string },
  issue: (name: string, permissions: Permissions) => string,
): CredsFiles {
  const write = (part: string, permissions: Permissions) => {
    const path = join(dataDir, 'keys', `nats-${part}.creds`);
    writePrivate(path, issue(part, permissions));
    return path;
  };
  return {
    server: write('server', serverPermissions(api)),
    host: write('host', hostPermissions(hostId, api)),
    collector: write('collector', collectorPermissions(hostId)),
  };
}
