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
  /** PEM of the authorities that may sign the broker's certificate. */
  natsCa: string | undefined;
  /** PEM of the authorities that agents trust beside the well-known ones. */
  caFile: string | undefined;
  /** The script that turns a package into a running agent. */
  agentRunner: string;
  /** `off`: agents run as whatever the host runs as, unconfined. */
  agentSandbox: 'on' | 'off';
  logLevel: LogLevel;
  readyFd: number | undefined;
}

export type SettingsResult =
  | { ok: true; settings: Settings }
  /** One sentence each: which variable, what is wrong, what it must be. */
  | { ok: false; errors: string[] };

/** Every fault at once. */
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
  const optionalFile = (name: string, what: string) =>
    value(name) === undefined ? undefined : file(name, what);

  const dataDir = absolute('OPMAS_DATA_DIR', 'the data folder');
  const hostId = value('OPMAS_HOST_ID') ?? 'local';
  if (!TOKEN.test(hostId)) fault('OPMAS_HOST_ID', '1 to 64 of A-Z a-z 0-9 _ -');
  const natsUrl =
    value('OPMAS_NATS_URL') ?? fault('OPMAS_NATS_URL', 'such as nats://127.0.0.1:4222');
  const natsCreds = optionalFile('OPMAS_NATS_CREDS', 'a creds file');
  const natsCa = optionalFile('OPMAS_NATS_CA', 'a PEM file');
  const caFile = optionalFile('OPMAS_CA_FILE', 'a PEM file');
  const agentRunner = file('OPMAS_AGENT_RUNNER', 'the script that runs an agent package');
  const sandbox = value('OPMAS_AGENT_SANDBOX') ?? 'on';
  const agentSandbox = sandbox === 'on' || sandbox === 'off' ? sandbox : undefined;
  if (agentSandbox === undefined) fault('OPMAS_AGENT_SANDBOX', 'on or off');
  const level = value('OPMAS_LOG_LEVEL') ?? 'info';
  const logLevel = LOG_LEVELS.find((one) => one === level);
  if (logLevel === undefined) fault('OPMAS_LOG_LEVEL', `one of ${LOG_LEVELS.join(', ')}`);
  const fd = value('OPMAS_READY_FD');
  const readyFd = fd === undefined ? undefined : Number(fd);
  if (readyFd !== undefined && !(Number.isInteger(readyFd) && readyFd >= 1 && readyFd < 1024)) {
    fault('OPMAS_READY_FD', 'the number of an open file descriptor');
  }

  if (errors.length > 0 || logLevel === undefined || agentSandbox === undefined)
    return { ok: false, errors };
  return {
    ok: true,
    settings: {
      dataDir,
      hostId,
      natsUrl,
      natsCreds,
      natsCa,
      caFile,
      agentRunner,
      agentSandbox,
      logLevel,
      readyFd,
    },
  };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
