/** The server's settings: one schema over the environment, every error reported at once. */
import { resolve } from 'node:path';

export interface Settings {
  env: 'development' | 'testing' | 'staging' | 'production';
  dataDir: string;
  agentsDir: string;
  discoveryApproval: 'auto' | 'manual';
  http: { host: string; port: number };
  allowInsecure: boolean;
  databaseUrl: string;
  databaseMigrateUrl: string;
  nats: {
    url: string;
    credsFile: string | undefined;
    accountSeed: string | undefined;
    account: string | undefined;
    sysCredsFile: string | undefined;
  };
  redisUrl: string | undefined;
  masterKeyFile: string;
  hostId: string;
  /** Servers that run as children on this machine. */
  embedded: readonly string[];
  eventsMaxAgeMs: number;
  eventsMaxBytes: number;
  adminPassword: string | undefined;
  metricsToken: string | undefined;
  logLevel: string;
  readyFd: number | undefined;
  /** `OPMAS_AGENT_<PATH>`: the environment layer of every agent's configuration. */
  agentEnvironment: Readonly<Record<string, string>>;
}

export type SettingsResult = { ok: true; settings: Settings } | { ok: false; errors: string[] };

type Env = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const ENVIRONMENTS = ['development', 'testing', 'staging', 'production'] as const;
const MIN_PASSWORD = 15;

/** Reads the settings out of `env`; relative paths are taken from `cwd`. */
export function readSettings(env: Env, cwd: string): SettingsResult {
  const errors: string[] = [];
  const text = (name: string): string | undefined => {
    const value = env[name]?.trim();
    return value === '' ? undefined : value;
  };
  const required = (name: string, why: string): string => {
    const value = text(name);
    if (value === undefined) errors.push(`${name} is not set: ${why}`);
    return value ?? '';
  };
  const oneOf = <T extends string>(name: string, allowed: readonly T[], fallback: T): T => {
    const value = text(name);
    if (value === undefined) return fallback;
    const found = allowed.find((item) => item === value);
    if (found === undefined) {
      errors.push(`${name}=${value} is not one of ${allowed.join(', ')}`);
      return fallback;
    }
    return found;
  };
  const port = (name: string, fallback: number): number => {
    const value = text(name) ?? String(fallback);
    const number = Number(value);
    if (!/^\d{1,5}$/.test(value) || number > 65_535) {
      errors.push(`${name}=${value} is not a port (0 to 65535, 0 takes any)`);
      return fallback;
    }
    return number;
  };
  const parsed = <T>(
    name: string,
    fallback: string,
    read: (t: string) => T | undefined,
    form: string,
  ): T => {
    const value = text(name) ?? fallback;
    const result = read(value);
    if (result === undefined) errors.push(`${name}=${value} is not ${form}`);
    return result as T;
  };

  const databaseUrl = required(
    'OPMAS_DATABASE_URL',
    'the server needs PostgreSQL; `npm start` runs one and sets this',
  );
  const dataDir = resolve(cwd, text('OPMAS_DATA_DIR') ?? '.opmas');
  const adminPassword = env['OPMAS_ADMIN_PASSWORD'];
  if (adminPassword !== undefined && adminPassword.length < MIN_PASSWORD) {
    errors.push(`OPMAS_ADMIN_PASSWORD is shorter than ${MIN_PASSWORD} characters`);
  }
  const host = text('OPMAS_HTTP_HOST') ?? '127.0.0.1';
  const allowInsecure = oneOf('OPMAS_ALLOW_INSECURE', ['true', 'false'], 'false') === 'true';
  if (!allowInsecure && !isLoopback(host)) {
    errors.push(
      `OPMAS_HTTP_HOST=${host} is not loopback and there is no TLS: anyone on the network could read passwords. ` +
        'Set OPMAS_ALLOW_INSECURE=true only behind a TLS proxy',
    );
  }
  const agentEnvironment: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith('OPMAS_AGENT_') && name !== 'OPMAS_AGENT_RUNNER' && value !== undefined) {
      agentEnvironment[name] = value;
    }
  }
  const readyFd = text('OPMAS_READY_FD');
  const settings: Settings = {
    env: oneOf('OPMAS_ENV', ENVIRONMENTS, 'production'),
    dataDir,
    agentsDir: resolve(cwd, text('OPMAS_AGENTS_DIR') ?? 'agents'),
    discoveryApproval: oneOf('OPMAS_DISCOVERY_APPROVAL', ['auto', 'manual'], 'auto'),
    http: { host, port: port('OPMAS_HTTP_PORT', 8080) },
    allowInsecure,
    databaseUrl,
    databaseMigrateUrl: text('OPMAS_DATABASE_MIGRATE_URL') ?? databaseUrl,
    nats: {
      url: required('OPMAS_NATS_URL', 'the server needs NATS; `npm start` runs one and sets this'),
      credsFile: text('OPMAS_NATS_CREDS'),
      accountSeed: text('OPMAS_NATS_ACCOUNT_SEED'),
      account: text('OPMAS_NATS_ACCOUNT'),
      sysCredsFile: text('OPMAS_NATS_SYS_CREDS'),
    },
    redisUrl: text('OPMAS_REDIS_URL'),
    masterKeyFile: resolve(dataDir, text('OPMAS_MASTER_KEY_FILE') ?? 'keys/master.key'),
    hostId: parsed(
      'OPMAS_HOST_ID',
      'local',
      (t) => (/^[A-Za-z0-9_-]{1,64}$/.test(t) ? t : undefined),
      'a host id',
    ),
    embedded: (text('OPMAS_EMBEDDED') ?? '').split(',').filter((item) => item !== ''),
    eventsMaxAgeMs: parsed(
      'OPMAS_EVENTS_MAX_AGE',
      '24h',
      parseDuration,
      'a duration (24h, 30m, 7d)',
    ),
    eventsMaxBytes: parsed('OPMAS_EVENTS_MAX_BYTES', '4GB', parseBytes, 'a size (4GB, 500MB)'),
    adminPassword,
    metricsToken: text('OPMAS_METRICS_TOKEN'),
    logLevel: oneOf('OPMAS_LOG_LEVEL', LOG_LEVELS, 'info'),
    readyFd: readyFd === undefined ? undefined : Number(readyFd),
    agentEnvironment,
  };
  return errors.length > 0 ? { ok: false, errors } : { ok: true, settings };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Milliseconds of `90s`, `30m`, `24h`, `7d`; undefined when it is none, or is zero. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 's'];
  const ms = Number(match[1]) * unit;
  return ms > 0 && Number.isSafeInteger(ms) ? ms : undefined;
}

function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,12})(B|KB|MB|GB|TB)$/i.exec(text);
  if (match?.[2] === undefined) return undefined;
  const bytes =
    Number(match[1]) * 1_000 ** ['B', 'KB', 'MB', 'GB', 'TB'].indexOf(match[2].toUpperCase());
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
}
