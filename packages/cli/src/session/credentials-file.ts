/** Saved logins, one for each server: private, replaced whole, changed by one process at a time. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError, errnoOf } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { limits } from '../limits.ts';

export interface Login {
  username: string;
  access_token: string;
  refresh_token: string;
  /** Of the access token, RFC 3339. */
  expires_at: string;
}

export interface CredentialsFile {
  readonly path: string;
  read(url: string): Login | undefined;
  /** Runs `change` alone among all processes; what it returns is kept, `undefined` forgets. */
  update(
    url: string,
    change: (current: Login | undefined) => Promise<Login | undefined>,
  ): Promise<Login | undefined>;
}

export function credentialsFile(
  env: Readonly<Record<string, string | undefined>>,
): CredentialsFile {
  const base = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  const folder = join(base, 'opmas');
  const path = join(folder, 'credentials.json');
  return {
    path,
    read: (url) => readAll(path).get(url),
    update: async (url, change) => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const unlock = await lock(`${path}.lock`);
      try {
        const before = readAll(path).get(url);
        const after = await change(before);
        if (after === before) return after;
        const all = readAll(path);
        if (after === undefined) all.delete(url);
        else all.set(url, after);
        replace(path, JSON.stringify({ logins: Object.fromEntries(all) }, null, 2));
        return after;
      } finally {
        unlock();
      }
    },
  };
}

/** A damaged file holds no login: the next `opmas login` replaces it. */
function readAll(path: string): Map<string, Login> {
  let text: string;
  try {
    if (statSync(path).size > limits.credentialsBytes) return new Map();
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return new Map();
    throw error;
  }
  const logins = fieldOf(parseJson(text), 'logins');
  if (typeof logins !== 'object' || logins === null) return new Map();
  return new Map(
    Object.entries(logins).flatMap(([url, value]) => {
      const login = loginOf(value);
      return login === undefined ? [] : [[url, login] as const];
    }),
  );
}

function loginOf(value: unknown): Login | undefined {
  const username = fieldOf(value, 'username');
  const accessToken = fieldOf(value, 'access_token');
  const refreshToken = fieldOf(value, 'refresh_token');
  const expiresAt = fieldOf(value, 'expires_at');
  if (
    typeof username !== 'string' ||
    typeof accessToken !== 'string' ||
    typeof refreshToken !== 'string' ||
    typeof expiresAt !== 'string'
  ) {
    return undefined;
  }
  return {
    username,
    access_token: accessToken,
    refresh_token: refreshToken,
    expires_at: expiresAt,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (Object.entries(value).find(([key]) => key === name)?.[1] as unknown)
    : undefined;
}

function replace(path: string, text: string): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeFileSync(fd, `${text}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

/**
 * A file that exists while somebody changes the logins. Held longer than any request may last, it was left
 * behind by a process that died, and is taken over: by rename, so that one waiter of many gets it.
 */
async function lock(path: string): Promise<() => void> {
  const own = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(own, '', { flag: 'wx', mode: 0o600 });
  try {
    const end = performance.now() + limits.lockMs * 2;
    while (performance.now() < end) {
      if (tryLink(own, path)) return () => rmSync(path, { force: true });
      if (ageMs(path) > limits.lockMs) discard(path);
      else await delay(limits.lockPollMs);
    }
  } finally {
    rmSync(own, { force: true });
  }
  throw new CliError(EXIT.failed, `${path} is held by another opmas command`, {
    fix: `When none runs: rm ${path}`,
  });
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function ageMs(path: string): number {
  try {
    return Date.now() - statSync(path).ctimeMs;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

function discard(path: string): void {
  const away = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(path, away);
    rmSync(away, { force: true });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error; // another waiter was first
  }
}
