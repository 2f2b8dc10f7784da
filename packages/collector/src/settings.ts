/** The collector's settings from an environment; a pure function that tells every fault at once. */
import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { TOKEN } from '@opmas/protocol';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Settings {
  dataDir: string;
  hostId: string;
  natsUrl: string;
  /** Path of a creds file; undefined: a broker without authentication. */
  natsCreds: string | undefined;
  /** PEM of the authorities that may sign the broker's certificate. */
  natsCa: string | undefined;
  syslogHost: string;
  /** 0: any free one. */
  syslogPort: number;
  /** Syslog over TLS; undefined: none. Files are PEM. */
  tls: { port: number; cert: string; key: string; clientCa: string | undefined } | undefined;
  logLevel: LogLevel;
  readyFd: number | undefined;
}

export type SettingsResult =
  | { ok: true; settings: Settings }
  /** One sentence each: which variable, what is wrong, what it must be. */
  | { ok: false; errors: string[] };

/** What `opmas up` gives its collector; every fault at once. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): SettingsResult {
  const errors: string[] = [];
  const value = (name: string) => env[name] || undefined;
  const fault = (name: string, rule: string) => {
    const given = value(name);
    const state = given === undefined ? 'is missing' : `is ${JSON.stringify(given)}`;
    errors.push(`${name} ${state}: ${rule}`);
  };
  const number = (name: string, least: number, most: number, rule: string) => {
    const given = value(name);
    if (given === undefined) return undefined;
    const parsed = /^\d{1,5}$/.test(given) ? Number(given) : -1;
    if (parsed < least || parsed > most) fault(name, rule);
    return parsed;
  };
  const file = (name: string, what: string) => {
    const path = value(name);
    if (path === undefined || !isFile(path))
      fault(name, `no such file; the absolute path of ${what}`);
    return path;
  };

  const dataDir = value('OPMAS_DATA_DIR') ?? '';
  if (!isAbsolute(dataDir)) fault('OPMAS_DATA_DIR', 'the absolute path of the data folder');
  const hostId = value('OPMAS_HOST_ID') ?? 'local';
  if (!TOKEN.test(hostId)) fault('OPMAS_HOST_ID', '1 to 64 of A-Z a-z 0-9 _ -');
  const natsUrl = value('OPMAS_NATS_URL') ?? '';
  if (natsUrl === '') fault('OPMAS_NATS_URL', 'such as nats://127.0.0.1:4222');
  const natsCreds = value('OPMAS_NATS_CREDS');
  if (natsCreds !== undefined) file('OPMAS_NATS_CREDS', 'a creds file');
  const natsCa = value('OPMAS_NATS_CA');
  if (natsCa !== undefined) file('OPMAS_NATS_CA', 'a PEM file');
  const syslogHost = value('OPMAS_SYSLOG_HOST') ?? '127.0.0.1';
  const syslogPort = number('OPMAS_SYSLOG_PORT', 0, 65_535, 'a port from 1 to 65535, or 0 for any');
  const tlsPort = number(
    'OPMAS_SYSLOG_TLS_PORT',
    0,
    65_535,
    'a port from 1 to 65535, or 0 for any',
  );
  const clientCa = value('OPMAS_TLS_CA');
  if (clientCa !== undefined) file('OPMAS_TLS_CA', 'a PEM file');
  const tls = tlsPort === undefined ? undefined : { ...tlsOf(tlsPort, file), clientCa };
  const level = value('OPMAS_LOG_LEVEL') ?? 'info';
  const logLevel = LOG_LEVELS.find((one) => one === level);
  if (logLevel === undefined) fault('OPMAS_LOG_LEVEL', `one of ${LOG_LEVELS.join(', ')}`);
  const readyFd = number('OPMAS_READY_FD', 1, 1023, 'the number of an open file descriptor');

  if (errors.length > 0 || logLevel === undefined) return { ok: false, errors };
  return {
    ok: true,
    settings: {
      dataDir,
      hostId,
      natsUrl,
      natsCreds,
      natsCa,
      syslogHost,
      syslogPort: syslogPort ?? 5514,
      tls,
      logLevel,
      readyFd,
    },
  };
}

function tlsOf(port: number, file: (name: string, what: string) => string | undefined) {
  const cert = file('OPMAS_TLS_CERT', 'its certificate (PEM)') ?? '';
  const key = file('OPMAS_TLS_KEY', "the certificate's key (PEM)") ?? '';
  return { port, cert, key };
}

function isFile(path: string): boolean {
  return isAbsolute(path) && statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
