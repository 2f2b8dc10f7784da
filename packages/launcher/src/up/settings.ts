/** Reads the settings of `opmas up` from an environment: pure, complete, every error at once. */
import { resolve } from 'node:path';
import type { Fault, Parsed } from '@opmas/protocol';
import type { Checked, Role } from './setting-kinds.ts';
import { type Part, SETTINGS, type SettingName, type SettingRow } from './setting-table.ts';
import { TLS_NAMES, type TlsSettings, tlsSettings } from './tls-settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Settings {
  dataDir: string;
  agentsDir: string;
  http: { host: string; port: number };
  /** Where browsers find it, when that is something else. */
  publicUrl: string | undefined;
  tls: TlsSettings;
  syslog: { host: string; port: number };
  /** Undefined: embedded. */
  database: { url: string; migrateUrl: string } | undefined;
  /** Undefined: embedded. */
  nats:
    | {
        url: string;
        accountSeed: string | undefined;
        account: string | undefined;
        apiPrefix: string | undefined;
        sysCreds: string | undefined;
        operatorSeed: string | undefined;
      }
    | undefined;
  natsBin: string | undefined;
  masterKeyFile: string;
  eventsMaxBytes: number;
  roles: readonly Role[];
  /** Undefined: the one kept in the data folder. */
  hostId: string | undefined;
  /** PATH, to look for programs. */
  path: string;
  /** What each part gets from the user's environment, as it was written. */
  handedOn: Readonly<Record<Part, Readonly<Record<string, string>>>>;
  /** Variables that look like settings and are none. */
  warnings: readonly string[];
}

/** Set by the launcher for its children; a user's value for them has no effect. */
const INTERNAL = new Set([
  'OPMAS_AGENT_RUNNER',
  'OPMAS_NATS_CREDS',
  'OPMAS_READY_FD',
  'OPMAS_EMBEDDED',
]);

const PARTS = ['server', 'host', 'collector'] as const;

/** Relative paths are taken from `cwd`. An empty variable counts as not set. */
export function readSettings(env: Environment, cwd: string): Parsed<Settings> {
  const errors: Fault[] = [];
  const text = (name: SettingName) => textOf(env, name, cwd);
  const read = <T>(name: SettingName, row: SettingRow<T>): T | undefined => {
    const given = text(name);
    if (given === undefined) return undefined;
    if (row.later !== undefined && env[name]) {
      errors.push({ path: name, message: `is not available in this version: ${row.later}` });
      return undefined;
    }
    const checked: Checked<T> = row.kind(given);
    if (checked.ok) return checked.value;
    const shown = row.secret ? '' : `=${JSON.stringify(given)}`;
    errors.push({ path: name, message: `${name}${shown} must ${checked.must}` });
    return undefined;
  };
  const all = SETTINGS;
  // Rows nothing below reads still have to be right: the part they go to would refuse them later.
  for (const [name, row] of rows()) if (!READ_BELOW.has(name)) read(name, row);

  const dataDir = read('OPMAS_DATA_DIR', all.OPMAS_DATA_DIR) ?? resolve(cwd, '.opmas');
  const httpHost = read('OPMAS_HTTP_HOST', all.OPMAS_HTTP_HOST) ?? '127.0.0.1';
  const insecure = read('OPMAS_ALLOW_INSECURE', all.OPMAS_ALLOW_INSECURE) === 'true';
  const nats = externalNats(read, errors);
  const tls = tlsSettings(read, errors, nats !== undefined);
  if (!insecure && tls.http === undefined && !isLoopback(httpHost)) {
    errors.push({
      path: 'OPMAS_HTTP_HOST',
      message: `OPMAS_HTTP_HOST=${httpHost} is reached from other machines and there is no TLS; set OPMAS_TLS=auto (or OPMAS_TLS_CERT and OPMAS_TLS_KEY), or OPMAS_ALLOW_INSECURE=true only behind a TLS proxy`,
    });
  }
  const databaseUrl = read('OPMAS_DATABASE_URL', all.OPMAS_DATABASE_URL);
  const migrateUrl = read('OPMAS_DATABASE_MIGRATE_URL', all.OPMAS_DATABASE_MIGRATE_URL);
  if (migrateUrl !== undefined && databaseUrl === undefined) {
    errors.push(needs('OPMAS_DATABASE_MIGRATE_URL', 'OPMAS_DATABASE_URL'));
  }
  const settings: Settings = {
    dataDir,
    agentsDir: read('OPMAS_AGENTS_DIR', all.OPMAS_AGENTS_DIR) ?? resolve(cwd, 'agents'),
    http: { host: httpHost, port: read('OPMAS_HTTP_PORT', all.OPMAS_HTTP_PORT) ?? 8080 },
    syslog: {
      host: read('OPMAS_SYSLOG_HOST', all.OPMAS_SYSLOG_HOST) ?? '127.0.0.1',
      port: read('OPMAS_SYSLOG_PORT', all.OPMAS_SYSLOG_PORT) ?? 5514,
    },
    database:
      databaseUrl === undefined
        ? undefined
        : { url: databaseUrl, migrateUrl: migrateUrl ?? databaseUrl },
    nats,
    publicUrl: read('OPMAS_PUBLIC_URL', all.OPMAS_PUBLIC_URL),
    tls,
    natsBin: read('OPMAS_NATS_BIN', all.OPMAS_NATS_BIN),
    masterKeyFile:
      read('OPMAS_MASTER_KEY_FILE', all.OPMAS_MASTER_KEY_FILE) ??
      resolve(dataDir, 'keys/master.key'),
    eventsMaxBytes: read('OPMAS_EVENTS_MAX_BYTES', all.OPMAS_EVENTS_MAX_BYTES) ?? 4e9,
    roles: read('OPMAS_ROLES', all.OPMAS_ROLES) ?? [],
    hostId: read('OPMAS_HOST_ID', all.OPMAS_HOST_ID),
    path: env['PATH'] ?? '',
    handedOn: handedOn(env, text),
    warnings: unknownNames(env),
  };
  return errors.length > 0 ? { ok: false, errors } : { ok: true, value: settings };
}

const READ_BELOW: ReadonlySet<SettingName> = new Set([
  'OPMAS_DATA_DIR',
  'OPMAS_HTTP_HOST',
  'OPMAS_ALLOW_INSECURE',
  'OPMAS_DATABASE_URL',
  'OPMAS_DATABASE_MIGRATE_URL',
  'OPMAS_AGENTS_DIR',
  'OPMAS_HTTP_PORT',
  'OPMAS_SYSLOG_HOST',
  'OPMAS_SYSLOG_PORT',
  'OPMAS_NATS_URL',
  'OPMAS_NATS_ACCOUNT_SEED',
  'OPMAS_NATS_ACCOUNT',
  'OPMAS_NATS_API_PREFIX',
  'OPMAS_NATS_OPERATOR_SEED',
  'OPMAS_NATS_SYS_CREDS',
  'OPMAS_NATS_BIN',
  'OPMAS_MASTER_KEY_FILE',
  'OPMAS_EVENTS_MAX_BYTES',
  'OPMAS_ROLES',
  'OPMAS_HOST_ID',
  'OPMAS_PUBLIC_URL',
  ...TLS_NAMES,
]);

type Read = <T>(name: SettingName, row: SettingRow<T>) => T | undefined;

function externalNats(read: Read, errors: Fault[]): Settings['nats'] {
  const url = read('OPMAS_NATS_URL', SETTINGS.OPMAS_NATS_URL);
  const accountSeed = read('OPMAS_NATS_ACCOUNT_SEED', SETTINGS.OPMAS_NATS_ACCOUNT_SEED);
  const account = read('OPMAS_NATS_ACCOUNT', SETTINGS.OPMAS_NATS_ACCOUNT);
  const apiPrefix = read('OPMAS_NATS_API_PREFIX', SETTINGS.OPMAS_NATS_API_PREFIX);
  const sysCreds = read('OPMAS_NATS_SYS_CREDS', SETTINGS.OPMAS_NATS_SYS_CREDS);
  const operatorSeed = read('OPMAS_NATS_OPERATOR_SEED', SETTINGS.OPMAS_NATS_OPERATOR_SEED);
  if (url !== undefined) return { url, accountSeed, account, apiPrefix, sysCreds, operatorSeed };
  if (accountSeed !== undefined) errors.push(needs('OPMAS_NATS_ACCOUNT_SEED', 'OPMAS_NATS_URL'));
  if (account !== undefined) errors.push(needs('OPMAS_NATS_ACCOUNT', 'OPMAS_NATS_URL'));
  if (apiPrefix !== undefined) errors.push(needs('OPMAS_NATS_API_PREFIX', 'OPMAS_NATS_URL'));
  if (operatorSeed !== undefined) errors.push(needs('OPMAS_NATS_OPERATOR_SEED', 'OPMAS_NATS_URL'));
  if (sysCreds !== undefined) errors.push(needs('OPMAS_NATS_SYS_CREDS', 'OPMAS_NATS_URL'));
  return undefined;
}

function needs(name: SettingName, other: SettingName): Fault {
  return { path: name, message: `${name} has no meaning without ${other}` };
}

function textOf(env: Environment, name: SettingName, cwd: string): string | undefined {
  const row: SettingRow<unknown> = SETTINGS[name];
  const given = env[name];
  const text = given === undefined || given === '' ? row.fallback : given;
  return text === undefined || row.path !== true ? text : resolve(cwd, text);
}

function rows(): [SettingName, SettingRow<unknown>][] {
  const names = Object.keys(SETTINGS) as SettingName[];
  return names.map((name) => [name, SETTINGS[name]]);
}

function handedOn(env: Environment, text: (name: SettingName) => string | undefined) {
  const parts: Record<Part, Record<string, string>> = { server: {}, host: {}, collector: {} };
  for (const part of PARTS) {
    for (const name of ['PATH', 'TZ', 'LANG']) {
      const value = env[name];
      if (value !== undefined) parts[part][name] = value;
    }
    for (const [name, row] of rows()) {
      const value = text(name);
      if (value !== undefined && row.for.includes(part)) parts[part][name] = value;
    }
  }
  for (const [name, value] of Object.entries(env)) {
    if (isAgentLayer(name) && value !== undefined) parts.server[name] = value;
  }
  return parts;
}

/** `OPMAS_AGENT_<PATH>`: the environment layer of every agent's configuration. */
function isAgentLayer(name: string): boolean {
  return name.startsWith('OPMAS_AGENT_') && !INTERNAL.has(name) && !(name in SETTINGS);
}

function unknownNames(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('OPMAS_') && !(name in SETTINGS) && !isAgentLayer(name))
    .filter((name) => !INTERNAL.has(name) && !name.startsWith('OPMAS_TEST'))
    .sort()
    .map((name) => `${name} is not a setting of OPMAS and has no effect`);
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name);
}
