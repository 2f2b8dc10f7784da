/** Makes a cluster whole or not at all, and clears the way for a start after a kill. */
import { execFile } from 'node:child_process';
import {
  chownSync,
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeFile } from '../data/files.ts';
import { LaunchError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { endProcesses, processesIn } from '../process/leftovers.ts';
import { asPostgres, UNPRIVILEGED_ID } from '../process/wrapper.ts';
import { PG_HBA, postgresConf } from './config.ts';
import type { PostgresPlace } from './place.ts';
import { type Passwords, SUPERUSER } from './roles.ts';

const run = promisify(execFile);

export interface ClusterOptions {
  durable: boolean;
  maxConnections: number;
}

/** Runs initdb when there is no cluster. A kill in the middle leaves a folder the next start throws away. */
export async function ensureCluster(
  place: PostgresPlace,
  passwords: Passwords,
  { durable }: ClusterOptions,
): Promise<{ created: boolean }> {
  if (existsSync(join(place.cluster, 'PG_VERSION'))) return { created: false };
  const draft = `${place.cluster}.new`;
  rmSync(draft, { recursive: true, force: true });
  const passwordFile = join(place.home, 'initdb.password');
  removeFile(passwordFile);
  writeFileSync(passwordFile, passwords.superuser, { mode: 0o600, flag: 'wx' });
  giveTo(place, passwordFile);
  const args = ['-D', draft, '-U', SUPERUSER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  args.push('-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8');
  args.push('--no-instructions', ...(durable ? [] : ['--no-sync']));
  const command = asPostgres({ file: place.binaries.initdb, args }, place.user);
  try {
    await run(command.file, command.args, {
      cwd: place.home,
      env: postgresEnv(place),
      timeout: limits.initdbMs,
      maxBuffer: 1024 * 1024,
    });
  } catch (cause) {
    rmSync(draft, { recursive: true, force: true });
    throw new LaunchError(
      'postgres_failed',
      `PostgreSQL could not make its database folder: ${messageOf(cause)}`,
      `Check the free space and the rights of ${place.home}.`,
      { cause },
    );
  } finally {
    removeFile(passwordFile);
  }
  renameSync(draft, place.cluster);
  return { created: true };
}

/** Rewrites both configuration files; PostgreSQL is not running. */
export function writeConfig(place: PostgresPlace, options: ClusterOptions): void {
  const { socketDir, socketPort: port } = place;
  const files = {
    'postgresql.conf': postgresConf({ socketDir, port, ...options }),
    'pg_hba.conf': PG_HBA,
  };
  for (const [name, text] of Object.entries(files)) {
    const path = join(place.cluster, name);
    writeFileSync(path, text, { mode: 0o600 });
    giveTo(place, path);
  }
}

/**
 * Ends every process that still works in the cluster folder (a postmaster left by a killed run, or
 * backends whose postmaster was killed), then removes its pid file if no postmaster can own it.
 * PostgreSQL would refuse to start over a zombie, and two must never share a folder.
 * @returns the pids that were ended
 */
export async function clearLeftovers(place: PostgresPlace): Promise<number[]> {
  const left = processesIn(realpathSync(place.cluster));
  // The postmaster stops its backends in order; signalled themselves they would only be cut off.
  const postmaster = left.filter(({ pid }) => pid === postmasterPid(place.cluster));
  await endProcesses(postmaster, [
    { signal: 'SIGINT', waitMs: limits.postgresGraceMs },
    { signal: 'SIGQUIT', waitMs: limits.killMs },
  ]);
  const stubborn = await endProcesses(left, [{ signal: 'SIGQUIT', waitMs: limits.killMs }]);
  if (stubborn.length > 0) {
    const pids = stubborn.map(({ pid }) => pid).join(', ');
    throw new LaunchError(
      'postgres_failed',
      `PostgreSQL processes of an earlier run do not end: ${pids}.`,
      `End them, then start again.`,
    );
  }
  if (process.platform === 'linux') removeFile(join(place.cluster, 'postmaster.pid'));
  return left.map(({ pid }) => pid);
}

/** PATH so that the wrappers are found; nothing of OPMAS's own environment reaches PostgreSQL. */
export function postgresEnv(place: PostgresPlace): Record<string, string> {
  const path = process.platform === 'win32' ? '' : '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';
  return { PATH: path, LC_ALL: 'C', TZ: 'UTC', ...place.binaries.env };
}

function postmasterPid(cluster: string): number | undefined {
  const path = join(cluster, 'postmaster.pid');
  if (!existsSync(path)) return undefined;
  const pid = Number(readFileSync(path, 'utf8').split('\n')[0]);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

function giveTo(place: PostgresPlace, path: string): void {
  if (place.user === 'setuid') chownSync(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
}
