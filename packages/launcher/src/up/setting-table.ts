/** Every setting of `opmas up`: one row each, from which errors, children's environments and the documentation come. */
import {
  anyText,
  duration,
  host,
  type Kind,
  natsUrls,
  networks,
  oneOf,
  origin,
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
  OPMAS_PACKAGE_SIGNATURES: row(oneOf('optional', 'required'), {
    fallback: 'optional',
    for: ['server'],
    meaning:
      '`required`: a package runs only when a trusted publisher signed it; `optional`: a signature is checked and shown where there is one',
  }),
  OPMAS_AGENT_SANDBOX: row(oneOf('on', 'off'), {
    fallback: 'on',
    for: ['host'],
    meaning:
      '`on`: an agent reads its package, writes its own folder and starts no program; `off`: it may do what the host may',
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
  OPMAS_PUBLIC_URL: row(origin, {
    for: ['server'],
    meaning:
      'where browsers find OPMAS when it is not the address it listens on (a proxy, a container, a name), as `https://opmas.example`: requests for other names are refused',
  }),
  OPMAS_TRUSTED_PROXIES: row(networks, {
    for: ['server'],
    meaning:
      'proxies whose `X-Forwarded-For` is believed, as `10.0.0.0/8`: rate limits and the audit log see the address behind them',
  }),
  OPMAS_TLS: row(oneOf('auto'), {
    for: [],
    meaning:
      '`auto`: HTTPS, and TLS to the embedded broker, with certificates of an own authority that renew by themselves',
  }),
  OPMAS_TLS_CERT: row(anyText, {
    for: [],
    path: true,
    meaning:
      'HTTPS with this certificate (PEM, the chain behind it); a changed file is taken over without a restart',
  }),
  OPMAS_TLS_KEY: row(anyText, {
    for: [],
    path: true,
    meaning: 'its private key (PEM, without a passphrase)',
  }),
  OPMAS_TLS_CA: row(anyText, {
    for: [],
    path: true,
    meaning:
      'authorities of clients (PEM): who comes from another machine, by HTTPS or syslog over TLS, must show a certificate of theirs',
  }),
  OPMAS_CA_FILE: row(anyText, {
    for: [],
    path: true,
    meaning:
      'authorities (PEM) that OPMAS and its agents trust beside the well-known ones, for certificates of OPMAS itself',
  }),
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
  OPMAS_NATS_API_PREFIX: row(anyText, {
    for: [],
    secret: true,
    meaning:
      'where the account reaches the API of JetStream (`OPMAS_API.` and 32 hexadecimal digits); unset: under its usual name',
  }),
  OPMAS_NATS_OPERATOR_SEED: row(secretText(58), {
    for: [],
    secret: true,
    meaning:
      'seed (SO…) of the operator, or of a signing key of it: with it and OPMAS_NATS_SYS_CREDS agents can be revoked at once',
  }),
  OPMAS_NATS_SYS_CREDS: row(anyText, {
    for: [],
    path: true,
    meaning: 'creds file of a user of the system account',
  }),
  OPMAS_NATS_CA: row(anyText, {
    for: [],
    path: true,
    meaning: 'authorities (PEM) of an external broker reached over TLS',
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
    meaning:
      'syslog over TLS (RFC 5425; usually 6514), with OPMAS_TLS_CERT or a certificate of the own authority; 0 takes any; unset: none',
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
  OPMAS_CONFIG_DEADLINE: row(duration, {
    fallback: '30s',
    for: ['server'],
    meaning: 'how long an agent has to take over a configuration before it counts as not confirmed',
  }),
  OPMAS_ADMIN_PASSWORD: row(secretText(15), {
    for: ['server'],
    secret: true,
    meaning: 'creates user `admin` with it on the first start',
  }),
  OPMAS_OIDC_ISSUER: row(url('https:', 'http:'), {
    for: ['server'],
    meaning: 'sign-in through this OpenID Connect provider too; http only on loopback',
  }),
  OPMAS_OIDC_CLIENT_ID: row(anyText, {
    for: ['server'],
    meaning: 'what the provider calls OPMAS',
  }),
  OPMAS_OIDC_CLIENT_SECRET: row(secretText(1), {
    for: ['server'],
    secret: true,
    meaning: 'its secret; unset: a public client',
  }),
  OPMAS_OIDC_NAME: row(anyText, {
    for: ['server'],
    meaning: 'on the button of the sign-in page; unset: the host name of the issuer',
  }),
  OPMAS_OIDC_ROLES_CLAIM: row(anyText, {
    for: ['server'],
    meaning:
      'claim that says groups or roles, dots between levels (`realm_access.roles`); unset: `roles`',
  }),
  OPMAS_OIDC_ROLE_MAP: row(anyText, {
    for: ['server'],
    meaning:
      'role here by what the claim says: `group=role,group2=role2`; without one nobody gets in',
  }),
  OPMAS_OIDC_REDIRECT_URL: row(url('https:', 'http:'), {
    for: ['server'],
    meaning:
      'where the provider sends browsers back; unset: `/api/v1/auth/login/oidc/oidc/callback` where browsers find OPMAS',
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
