/** Which server a command talks to, and as whom. */
import { resolve } from 'node:path';
import { usageError } from '../errors.ts';
import type { Environment } from '../io.ts';
import { type LocalInstance, localInstance } from './local-instance.ts';

export const DEFAULT_URL = 'http://127.0.0.1:8080';

export interface Target {
  /** Scheme, host and port; no path. */
  url: string;
  dataDir: string;
  /** Is it the instance that runs on the data folder? */
  local: boolean;
}

export interface TargetOptions {
  url?: string | undefined;
  data?: string | undefined;
}

/** `--url`, OPMAS_URL, the instance of the data folder, the default: the first there is. */
export function targetOf(options: TargetOptions, env: Environment, cwd: string): Target {
  const dataDir = dataDirOf(options, env, cwd);
  const given = options.url ?? (env['OPMAS_URL'] || undefined);
  const instance = localInstance(dataDir);
  const url = given === undefined ? (instance?.url ?? DEFAULT_URL) : originOf(given);
  return { url, dataDir, local: isLocal(url, instance) };
}

export function dataDirOf(options: TargetOptions, env: Environment, cwd: string): string {
  return resolve(cwd, options.data ?? (env['OPMAS_DATA_DIR'] || '.opmas'));
}

/** `localhost` and `127.0.0.1` are two names of one server. */
function isLocal(url: string, instance: LocalInstance | undefined): boolean {
  if (instance === undefined) return false;
  const plain = (text: string) => text.replace('://localhost', '://127.0.0.1');
  return plain(url) === plain(instance.url);
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw usageError(`${JSON.stringify(text)} is no URL of a server`, `Say it as ${DEFAULT_URL}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw usageError(
      'The URL of the server holds a password',
      'Use `opmas login`, or OPMAS_TOKEN.',
    );
  }
  return url.origin;
}
