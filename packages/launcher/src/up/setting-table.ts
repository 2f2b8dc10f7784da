/** Every setting of `opmas up`: one row each, from which errors, children's environments and the documentation come. */
import {
  anyText,
  duration,
  host,
  type Kind,
  natsUrls,
  oneOf,
  port,
  roles,
  secretText,
  size,
  token,
  url,
} from './setting-kinds.ts';

/** The parts that get a setting handed on; the launcher itself reads all of them. */
export type Part = 'server' | 'host' | 'collector';

export interface SettingRow<T> {
  kind: Kind<T>;
  /** Its text when it is not set; absent: there is no value then. */
  fallback?: string;
  /** Handed on as it was written. What the launcher computes (paths, URLs, ports) is not. */
  for: readonly Part[];
  meaning: string;
  /** A path: made absolute from the folder OPMAS was started in. */
  path?: true;
  /** Not shown and not logged. */
  secret?: true;
  /** Named by the contract, and not in this version. */
  later?: string;
}

const row = <T>(kind: Kind<T>, fields: Omit<SettingRow<T>, 'kind'>): SettingRow<T> => ({
  kind,
  ...fields,
});

const TLS_LATER = 'put a TLS proxy in front of OPMAS, and set OPMAS_ALLOW_INSECURE=true';

export const SETTINGS = {
  OPMAS_ENV: row(oneOf('development', 'testing', 'staging', 'production'), {
    fallback: 'production',
    for: ['server'],
    meaning: 'names an optional configuration layer and the labels on everything sent out',
  }),
  OPMAS_DATA_DIR: row(anyText, {
    fallback: '.opmas',
    for: [],
    path: true,
    meaning:
      'everything OPMAS writes: database, broker store, keys, package store, logs, run files',
  }),
  OPMAS_AGENTS_DIR: row(anyText, {
    fallback: 'agents',
    for: [],
    path: true,
    meaning: 'watched for agent packages; may lie anywhere',
  }),
  OPMAS_DISCOVERY_APPROVAL: row(oneOf('auto', 'manual'), {
    fallback: 'auto',
    for: ['server'],
    meaning: '`auto`: a valid package is registered and started; `manual`: it waits for a person',
  }),
  OPMAS_HTTP_HOST: row(host, {
    fallback: '127.0.0.1',
    for: ['server'],
    meaning: 'API and web page',
  }),
  OPMAS_HTTP_PORT: row(port, {
    fallback: '8080',
    for: [],
    meaning: 'API and web page; 0 takes any',
  }),
  OPMAS_ALLOW_INSECURE: row(oneOf('true', 'false'), {
    fallback: 'false',
    for: ['server'],
    meaning: '`true` allows a host beyond loopback without TLS',
  }),
  OPMAS_TLS: row(oneOf('auto'), { for: [], meaning: 'HTTPS from an own CA', later: TLS_LATER }),
  OPMAS_TLS_CERT: row(anyText, { for: [], meaning: 'HTTPS certificate', later: TLS_LATER }),
  OPMAS_TLS_KEY: row(anyText, { for: [], meaning: 'HTTPS key', later: TLS_LATER }),
  OPMAS_TLS_CA: row(anyText, { for: [], meaning: 'HTTPS CA of clients', later: TLS_LATER }),
  OPMAS_GRPC_PORT: row(port, { for: [], meaning: 'gRPC', later: 'use the REST API' }),
  OPMAS_DATABASE_URL: row(url('postgres:', 'postgresql:'), {
    for: [],
    secret: true,
    meaning: 'PostgreSQL 14 to 18; unset: the embedded one',
  }),
  OPMAS_DATABASE_MIGRATE_URL: row(url('postgres:', 'postgresql:'), {
    for: [],
    secret: true,
    meaning: 'the same database as its owner; unset: OPMAS_DATABASE_URL',
  }),
  OPMAS_NATS_URL: row(natsUrls, {
    for: [],
    secret: true,
    meaning: 'NATS; unset: the embedded one',
  }),
  OPMAS_NATS_ACCOUNT_SEED: row(secretText(58), {
    for: [],
    secret: true,
    meaning: 'seed (SA…) of the account, or of a signing key of it, that users are made with',
  }),
  OPMAS_NATS_ACCOUNT: row(anyText, {
    for: [],
    meaning: 'public key (A…) of the account; needed when the seed is a signing key',
  }),
  OPMAS_NATS_SYS_CREDS: row(anyText, {
    for: [],
    path: true,
    meaning: 'creds file of a user of the system account',
  }),
  OPMAS_NATS_BIN: row(anyText, { for: [], path: true, meaning: 'the nats-server to run' }),
  OPMAS_REDIS_URL: row(url('redis:', 'rediss:'), {
    for: ['server'],
    secret: true,
    meaning: 'shared cache; unset: in-process',
  }),
  OPMAS_MASTER_KEY_FILE: row(anyText, {
    for: [],
    path: true,
    meaning: 'wraps every secret; unset: `keys/master.key` in the data folder',
  }),
  OPMAS_SYSLOG_HOST: row(host, {
    fallback: '127.0.0.1',
    for: ['collector'],
    meaning: 'where syslog is heard',
  }),
  OPMAS_SYSLOG_PORT: row(port, {
    fallback: '5514',
    for: [],
    meaning: 'syslog, UDP and TCP; 0 takes any',
  }),
  OPMAS_SYSLOG_TLS_PORT: row(port, {
    for: [],
    meaning: 'syslog over TLS',
    later: 'use OPMAS_SYSLOG_PORT in a protected network',
  }),
  OPMAS_EVENTS_MAX_AGE: row(duration, {
    fallback: '24h',
    for: ['server'],
    meaning: 'how long events are kept for slow agents and for replay',
  }),
  OPMAS_EVENTS_MAX_BYTES: row(size, {
    fallback: '4GB',
    for: ['server'],
    meaning: 'how much of them is kept',
  }),
  OPMAS_ADMIN_PASSWORD: row(secretText(15), {
    for: ['server'],
    secret: true,
    meaning: 'creates user `admin` with it on the first start',
  }),
  OPMAS_METRICS_TOKEN: row(secretText(1), {
    for: ['server'],
    secret: true,
    meaning: 'asked of `/metrics` from beyond loopback',
  }),
  OPMAS_LOG_LEVEL: row(oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'), {
    fallback: 'info',
    for: ['server', 'host', 'collector'],
    meaning: 'of OPMAS itself',
  }),
  OPMAS_ROLES: row(roles, { fallback: 'all', for: [], meaning: 'which parts run on this machine' }),
  OPMAS_HOST_ID: row(token, {
    for: [],
    meaning: 'name of this machine among hosts; kept in the data folder, `local` at first',
  }),
} as const;

export type SettingName = keyof typeof SETTINGS;
