/** The three Node children: which script, which environment, which bounds. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { limits } from '../limits.ts';
import type { ChildPlan } from '../process/child.ts';
import { withDeathSignal } from '../process/wrapper.ts';
import type { PreparedTls } from '../tls/prepared.ts';
import { pidFilePath } from './run-file.ts';
import type { Part } from './setting-table.ts';
import type { Settings } from './settings.ts';

/** What is known only once the servers run; asked anew at every start of a part. */
export interface PartContext {
  settings: Settings;
  hostId: string;
  database: { url: string; migrateUrl: string } | undefined;
  nats: {
    url: () => string;
    creds: Partial<Record<Part, string>>;
    accountSeed: string | undefined;
    operatorSeed: string | undefined;
    account: string | undefined;
    sysCreds: string | undefined;
  };
  tls: PreparedTls;
  embedded: readonly string[];
  /** The ports in force: what port 0 gave the first time is kept over revivals. */
  ports: { http: number; syslog: number; syslogTls: number | undefined };
}

const PACKAGES = resolve(import.meta.dirname, '../../..');

const TRIM_HEAP = new URL('../process/trim-heap.ts', import.meta.url).href;

const GRACE: Record<Part, number> = {
  server: limits.serverGraceMs,
  host: limits.hostGraceMs,
  collector: limits.collectorGraceMs,
};

const FOLDER: Record<Part, string> = {
  server: 'server',
  host: 'supervisor',
  collector: 'collector',
};

export function partPlan(
  part: Part,
  context: PartContext,
  script: string = join(PACKAGES, FOLDER[part], 'src', 'main.ts'),
): ChildPlan {
  const { dataDir } = context.settings;
  return {
    name: part,
    prepare: async () => {
      if (!existsSync(script)) throw new Error(`${script} does not exist`);
    },
    command: () => ({
      ...withDeathSignal(
        { file: process.execPath, args: ['--import', TRIM_HEAP, script] },
        'SIGTERM',
      ),
      env: partEnvironment(part, context),
      cwd: dataDir,
    }),
    ready: 'line',
    readyTimeoutMs: limits.childReadyMs,
    stopSignal: 'SIGTERM',
    graceMs: GRACE[part],
    logFile: join(dataDir, 'logs', `${part}.log`),
    pidFile: pidFilePath(dataDir, part),
  };
}

/** Exactly what the part needs: nothing else of our own environment reaches it. */
export function partEnvironment(part: Part, context: PartContext): Record<string, string> {
  const { settings, nats } = context;
  return defined({
    ...settings.handedOn[part],
    // Stripped and compiled sources, private to this folder: a start takes half the processor time.
    NODE_COMPILE_CACHE: join(settings.dataDir, 'run', 'compile-cache'),
    OPMAS_READY_FD: '3',
    OPMAS_DATA_DIR: settings.dataDir,
    OPMAS_NATS_URL: nats.url(),
    OPMAS_NATS_CREDS: nats.creds[part],
    OPMAS_NATS_CA: context.tls.natsCa,
    OPMAS_HOST_ID: context.hostId,
    ...(part === 'server' ? serverEnvironment(context) : {}),
    ...(part === 'host'
      ? {
          OPMAS_AGENT_RUNNER: join(PACKAGES, 'sdk', 'src', 'runner', 'start.mjs'),
          OPMAS_CA_FILE: context.tls.authorities,
        }
      : {}),
    ...(part === 'collector' ? collectorEnvironment(context) : {}),
  });
}

function collectorEnvironment({ ports, tls }: PartContext): Record<string, string | undefined> {
  return {
    OPMAS_SYSLOG_PORT: String(ports.syslog),
    ...(tls.syslog === undefined
      ? {}
      : {
          OPMAS_SYSLOG_TLS_PORT: String(ports.syslogTls ?? tls.syslog.port),
          OPMAS_TLS_CERT: tls.syslog.cert,
          OPMAS_TLS_KEY: tls.syslog.key,
          OPMAS_TLS_CA: tls.clientCa,
        }),
  };
}

function serverEnvironment(context: PartContext): Record<string, string | undefined> {
  const { settings, nats, database, tls } = context;
  return {
    OPMAS_TLS_CERT: tls.http?.cert,
    OPMAS_TLS_KEY: tls.http?.key,
    OPMAS_TLS_CA: tls.http && tls.clientCa,
    OPMAS_AGENTS_DIR: settings.agentsDir,
    OPMAS_HTTP_PORT: String(context.ports.http),
    OPMAS_DATABASE_URL: database?.url,
    OPMAS_DATABASE_MIGRATE_URL: database?.migrateUrl,
    OPMAS_NATS_ACCOUNT_SEED: nats.accountSeed,
    OPMAS_NATS_ACCOUNT: nats.account,
    OPMAS_NATS_SYS_CREDS: nats.sysCreds,
    OPMAS_NATS_OPERATOR_SEED: nats.operatorSeed,
    OPMAS_MASTER_KEY_FILE: settings.masterKeyFile,
    OPMAS_EMBEDDED: context.embedded.join(','),
    OPMAS_ROLES: settings.roles.join(','),
  };
}

function defined(values: Record<string, string | undefined>): Record<string, string> {
  const entries = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(entries);
}
