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
  syslogHost: string;
  /** 0: any free one. */
  syslogPort: number;
  logLevel: LogLevel;
  readyFd: number | undefined;
}

export type SettingsResult =
  | { ok: true; settings: Settings }
  /** One sentence each: which variable, what is wrong, what it must be. */
  | { ok: false; errors: string[] };

/** Reads OPMAS_DATA_DIR, _HOST_ID, _NATS_URL, _NATS_CREDS, _SYSLOG_HOST, _SYSLOG_PORT, _LOG_LEVEL, _READY_FD. */
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

  const dataDir = value('OPMAS_DATA_DIR') ?? '';
  if (!isAbsolute(dataDir)) fault('OPMAS_DATA_DIR', 'the absolute path of the data folder');
  const hostId = value('OPMAS_HOST_ID') ?? 'local';
  if (!TOKEN.test(hostId)) fault('OPMAS_HOST_ID', '1 to 64 of A-Z a-z 0-9 _ -');
  const natsUrl = value('OPMAS_NATS_URL') ?? '';
  if (natsUrl === '') fault('OPMAS_NATS_URL', 'such as nats://127.0.0.1:4222');
  const natsCreds = value('OPMAS_NATS_CREDS');
  if (natsCreds !== undefined && !isFile(natsCreds))
    fault('OPMAS_NATS_CREDS', 'no such file; the absolute path of a creds file');
  const syslogHost = value('OPMAS_SYSLOG_HOST') ?? '127.0.0.1';
  const syslogPort = number('OPMAS_SYSLOG_PORT', 0, 65_535, 'a port from 1 to 65535, or 0 for any');
  if (value('OPMAS_SYSLOG_TLS_PORT') !== undefined)
    fault('OPMAS_SYSLOG_TLS_PORT', 'syslog over TLS is not available; leave it unset');
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
      syslogHost,
      syslogPort: syslogPort ?? 5514,
      logLevel,
      readyFd,
    },
  };
}

function isFile(path: string): boolean {
  return isAbsolute(path) && statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
