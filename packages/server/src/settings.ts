/** The server's settings: one schema over the environment, every error reported at once. */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { type OidcSettings, readOidc } from './oidc-settings.ts';

export interface Settings {
  env: 'development' | 'testing' | 'staging' | 'production';
  dataDir: string;
  agentsDir: string;
  discoveryApproval: 'auto' | 'manual';
  packageSignatures: 'optional' | 'required';
  http: { host: string; port: number };
  allowInsecure: boolean;
  /** Undefined: plain HTTP. */
  tls: { cert: string; key: string; clientCa: string | undefined } | undefined;
  /** Where browsers find OPMAS when that is not the address it listens on: scheme and authority only. */
  publicUrl: string | undefined;
  /** Proxies whose `X-Forwarded-For` is believed: addresses or networks. */
  trustedProxies: readonly string[];
  databaseUrl: string;
  databaseMigrateUrl: string;
  nats: {
    url: string;
    credsFile: string | undefined;
    accountSeed: string | undefined;
    account: string | undefined;
    sysCredsFile: string | undefined;
    /** Seed of the operator, or of a signing key of it: signs the account's claims. */
    operatorSeed: string | undefined;
    /** PEM of the authorities that may sign the broker's certificate. */
    caFile: string | undefined;
  };
  redisUrl: string | undefined;
  masterKeyFile: string;
  hostId: string;
  /** Servers that run as children on this machine. */
  embedded: readonly string[];
  eventsMaxAgeMs: number;
  eventsMaxBytes: number;
  /** How long an agent has to take a configuration over. */
  configDeadlineMs: number;
  adminPassword: string | undefined;
  /** Undefined: people have passwords here. */
  oidc: OidcSettings | undefined;
  metricsToken: string | undefined;
  logLevel: string;
  readyFd: number | undefined;
  /** `OPMAS_AGENT_<PATH>`: the environment layer of every agent's configuration. */
  agentEnvironment: Readonly<Record<string, string>>;
}

export type SettingsResult = { ok: true; settings: Settings } | { ok: false; errors: string[] };

type Env = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
/** Named like the agents' layer, and the host's own. */
const HOST_SETTINGS = new Set(['OPMAS_AGENT_RUNNER', 'OPMAS_AGENT_SANDBOX']);
const ENVIRONMENTS = ['development', 'testing', 'staging', 'production'] as const;
const MIN_PASSWORD = 15;
const PUBLIC_URL_FORM = 'a URL of scheme, name and port alone, as https://opmas.example';

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

  const optional = <T>(
    name: string,
    read: (t: string) => T | undefined,
    form: string,
  ): T | undefined => (text(name) === undefined ? undefined : parsed(name, '', read, form));

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
  const tls = tlsOf(text, cwd, errors);
  if (!allowInsecure && tls === undefined && !isLoopback(host)) {
    errors.push(
      `OPMAS_HTTP_HOST=${host} is not loopback and there is no TLS: anyone on the network could read passwords. ` +
        'Set OPMAS_TLS_CERT and OPMAS_TLS_KEY, or OPMAS_ALLOW_INSECURE=true only behind a TLS proxy',
    );
  }
  const agentEnvironment: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith('OPMAS_AGENT_') && !HOST_SETTINGS.has(name) && value !== undefined) {
      agentEnvironment[name] = value;
    }
  }
  const readyFd = text('OPMAS_READY_FD');
  const settings: Settings = {
    env: oneOf('OPMAS_ENV', ENVIRONMENTS, 'production'),
    dataDir,
    agentsDir: resolve(cwd, text('OPMAS_AGENTS_DIR') ?? 'agents'),
    discoveryApproval: oneOf('OPMAS_DISCOVERY_APPROVAL', ['auto', 'manual'], 'auto'),
    packageSignatures: oneOf('OPMAS_PACKAGE_SIGNATURES', ['optional', 'required'], 'optional'),
    http: { host, port: port('OPMAS_HTTP_PORT', 8080) },
    allowInsecure,
    tls,
    publicUrl: optional('OPMAS_PUBLIC_URL', parseOrigin, PUBLIC_URL_FORM),
    trustedProxies:
      optional('OPMAS_TRUSTED_PROXIES', parseNetworks, 'a list of addresses or networks') ?? [],
    databaseUrl,
    databaseMigrateUrl: text('OPMAS_DATABASE_MIGRATE_URL') ?? databaseUrl,
    nats: {
      url: required('OPMAS_NATS_URL', 'the server needs NATS; `npm start` runs one and sets this'),
      credsFile: text('OPMAS_NATS_CREDS'),
      accountSeed: text('OPMAS_NATS_ACCOUNT_SEED'),
      account: text('OPMAS_NATS_ACCOUNT'),
      sysCredsFile: text('OPMAS_NATS_SYS_CREDS'),
      operatorSeed: text('OPMAS_NATS_OPERATOR_SEED'),
      caFile: text('OPMAS_NATS_CA'),
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
    configDeadlineMs: parsed(
      'OPMAS_CONFIG_DEADLINE',
      '30s',
      (t) => inRange(parseDuration(t), 1_000, 3_600_000),
      'a duration from 1s to 1h',
    ),
    adminPassword,
    oidc: readOidc(text, errors),
    metricsToken: text('OPMAS_METRICS_TOKEN'),
    logLevel: oneOf('OPMAS_LOG_LEVEL', LOG_LEVELS, 'info'),
    readyFd: readyFd === undefined ? undefined : Number(readyFd),
    agentEnvironment,
  };
  return errors.length > 0 ? { ok: false, errors } : { ok: true, settings };
}

/** `opmas up` has made files of OPMAS_TLS=auto before; a server by itself is given files. */
function tlsOf(
  text: (name: string) => string | undefined,
  cwd: string,
  errors: string[],
): Settings['tls'] {
  const file = (name: string) => {
    const path = text(name);
    return path === undefined ? undefined : resolve(cwd, path);
  };
  const [cert, key, clientCa] = ['OPMAS_TLS_CERT', 'OPMAS_TLS_KEY', 'OPMAS_TLS_CA'].map(file);
  if (cert !== undefined && key !== undefined) return { cert, key, clientCa };
  if (cert !== undefined || key !== undefined) {
    errors.push('OPMAS_TLS_CERT and OPMAS_TLS_KEY go together: one of them is not set');
  } else if (clientCa !== undefined) {
    errors.push('OPMAS_TLS_CA has no meaning without OPMAS_TLS_CERT and OPMAS_TLS_KEY');
  }
  return undefined;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** `https://opmas.example`: nothing but scheme, name and port. */
function parseOrigin(text: string): string | undefined {
  if (!/^https?:/.test(text) || !URL.canParse(text)) return undefined;
  const { origin, href } = new URL(text);
  return href === `${origin}/` ? origin : undefined;
}

/** Addresses and networks (`10.0.0.0/8`), separated by commas. */
function parseNetworks(text: string): string[] | undefined {
  const networks = text.split(',').map((part) => part.trim());
  const isNetwork = (network: string) => {
    const [address = '', bits, ...more] = network.split('/');
    const width = isIP(address) === 6 ? 128 : 32;
    return (
      isIP(address) !== 0 &&
      more.length === 0 &&
      (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= width))
    );
  };
  return networks.every(isNetwork) ? networks : undefined;
}

function inRange(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
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
