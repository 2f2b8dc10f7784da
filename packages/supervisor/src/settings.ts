/** The host's settings from an environment; a pure function that tells every fault at once. */
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
  /** The script that turns a package into a running agent. */
  agentRunner: string;
  logLevel: LogLevel;
  readyFd: number | undefined;
}

export type SettingsResult =
  | { ok: true; settings: Settings }
  /** One sentence each: which variable, what is wrong, what it must be. */
  | { ok: false; errors: string[] };

/** Reads OPMAS_DATA_DIR, _HOST_ID, _NATS_URL, _NATS_CREDS, _AGENT_RUNNER, _LOG_LEVEL, _READY_FD. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): SettingsResult {
  const errors: string[] = [];
  const value = (name: string) => env[name] || undefined;
  const fault = (name: string, rule: string) => {
    const given = value(name);
    errors.push(
      `${name} ${given === undefined ? 'is missing' : `is ${JSON.stringify(given)}`}: ${rule}`,
    );
    return '';
  };
  const absolute = (name: string, what: string) => {
    const path = value(name);
    return path !== undefined && isAbsolute(path)
      ? path
      : fault(name, `the absolute path of ${what}`);
  };
  const file = (name: string, what: string) => {
    const path = absolute(name, what);
    return path === '' || isFile(path)
      ? path
      : fault(name, `no such file; the absolute path of ${what}`);
  };

  const dataDir = absolute('OPMAS_DATA_DIR', 'the data folder');
  const hostId = value('OPMAS_HOST_ID') ?? 'local';
  if (!TOKEN.test(hostId)) fault('OPMAS_HOST_ID', '1 to 64 of A-Z a-z 0-9 _ -');
  const natsUrl =
    value('OPMAS_NATS_URL') ?? fault('OPMAS_NATS_URL', 'such as nats://127.0.0.1:4222');
  const creds = value('OPMAS_NATS_CREDS');
  const natsCreds = creds === undefined ? undefined : file('OPMAS_NATS_CREDS', 'a creds file');
  const agentRunner = file('OPMAS_AGENT_RUNNER', 'the script that runs an agent package');
  const level = value('OPMAS_LOG_LEVEL') ?? 'info';
  const logLevel = LOG_LEVELS.find((one) => one === level);
  if (logLevel === undefined) fault('OPMAS_LOG_LEVEL', `one of ${LOG_LEVELS.join(', ')}`);
  const fd = value('OPMAS_READY_FD');
  const readyFd = fd === undefined ? undefined : Number(fd);
  if (readyFd !== undefined && !(Number.isInteger(readyFd) && readyFd >= 1 && readyFd < 1024)) {
    fault('OPMAS_READY_FD', 'the number of an open file descriptor');
  }

  if (errors.length > 0 || logLevel === undefined) return { ok: false, errors };
  return {
    ok: true,
    settings: { dataDir, hostId, natsUrl, natsCreds, agentRunner, logLevel, readyFd },
  };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
