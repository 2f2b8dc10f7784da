/** Decides where the cluster, its socket and its programs lie, so that whoever runs PostgreSQL can reach them. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { privateDir, writePrivate } from '../data/files.ts';
import { errnoOf, LaunchError } from '../errors.ts';
import { limits } from '../limits.ts';
import { type PostgresUser, postgresUser, UNPRIVILEGED_ID } from '../process/wrapper.ts';
import { type PostgresBinaries, postgresBinaries } from './binaries.ts';

export interface PostgresPlace {
  binaries: PostgresBinaries;
  /** Parent of the cluster folder; belongs to the user PostgreSQL runs as. */
  home: string;
  cluster: string;
  socketDir: string;
  socketPort: number;
  user: PostgresUser;
}

/** The cluster's folder is named by its major version: another version cannot read it. */
export const MAJOR = '18';
/** Never a TCP port: it only names the socket file. */
export const SOCKET_PORT = 5432;

/** Where PostgreSQL lies when it cannot lie in the data folder. */
const OUTSIDE = '/var/lib/opmas-postgres';

/** In the data folder's `postgres/`: says that the cluster lies elsewhere, and where. */
const LOCATION = 'LOCATION';

/**
 * How to run the cluster of this data folder: as it was begun, so that a machine that gains or loses
 * user namespaces never starts a second, empty database beside the first.
 * @throws {LaunchError} data_dir_unusable when that is no longer possible
 */
export function userFor(dataDir: string, able: PostgresUser = postgresUser()): PostgresUser {
  if (able === 'plain') return able;
  if (existsSync(join(dataDir, 'postgres', LOCATION))) return 'setuid';
  if (able === 'setuid' && existsSync(join(dataDir, 'postgres', MAJOR))) {
    throw new LaunchError(
      'data_dir_unusable',
      `The database in ${dataDir} was made with user namespaces, which this machine now refuses to root.`,
      'Allow them (sysctl user.max_user_namespaces), or run OPMAS as an ordinary user who owns the folder.',
    );
  }
  return able;
}

/** Everything outside `dataDir` is derived from its path, so the next start finds the same place. */
export function postgresPlace(
  dataDir: string,
  user: PostgresUser,
  outside: string = OUTSIDE,
): PostgresPlace {
  const id = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const spare = join(dataDir, 'postgres', 'lib');
  const own = postgresBinaries(spare);
  const away = user === 'setuid' ? outsidePlace(outside, { dataDir, id, own }) : undefined;
  const home = away?.home ?? privateDir(join(dataDir, 'postgres'));
  refuseOtherMajor(home);
  return {
    binaries: away?.binaries ?? own,
    home,
    cluster: join(home, MAJOR),
    socketDir: away === undefined ? socketDir(dataDir, id) : join(home, 's'),
    socketPort: SOCKET_PORT,
    user,
  };
}

/** `<data>/run/pg`, or a private folder under the temporary one when that path is too long for a socket. */
export function socketDir(dataDir: string, id: string, temporary = tmpdir()): string {
  const near = join(dataDir, 'run', 'pg');
  if (fits(near)) return privateDir(near);
  for (const base of [temporary, '/tmp']) {
    const dir = join(base, `opmas-${process.getuid?.() ?? 0}-${id}`);
    if (!fits(dir)) continue;
    privateDir(dir);
    const found = lstatSync(dir);
    const ours = found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid);
    if (ours && (found.mode & 0o077) === 0) return dir;
    throw new LaunchError(
      'data_dir_unusable',
      `${dir} is not a private folder of this user.`,
      `Remove it, or set OPMAS_DATA_DIR to a path under ${limits.socketPathBytes - 30} bytes.`,
    );
  }
  throw new LaunchError(
    'data_dir_unusable',
    `The paths of the data folder ${dataDir} and of the temporary folder ${temporary} are too long for a socket.`,
    `Set OPMAS_DATA_DIR to a path under ${limits.socketPathBytes - 30} bytes.`,
  );
}

/**
 * PostgreSQL really runs as nobody: cluster, socket and, when it must be, the programs go under
 * a folder that all can enter, because the data folder and the folders above it stay closed to others.
 */
function outsidePlace(
  base: string,
  { dataDir, id, own }: { dataDir: string; id: string; own: PostgresBinaries },
) {
  openDir(base);
  const home = join(base, id);
  openDir(home);
  chownSync(home, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
  chmodSync(home, 0o700);
  const socket = join(home, 's');
  privateDir(socket);
  chownSync(socket, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
  writePrivate(join(dataDir, 'postgres', LOCATION), `${home}\n`);
  if (reachable(own.root)) return { home, binaries: own };
  const root = join(base, `programs-${MAJOR}`);
  if (!existsSync(join(root, 'complete'))) {
    cpSync(own.root, root, { recursive: true, verbatimSymlinks: true });
    for (const dir of [root, join(root, 'bin'), join(root, 'lib'), join(root, 'share')])
      openDir(dir);
    writePrivate(join(root, 'complete'), `${MAJOR}\n`);
  }
  const bin = join(root, 'bin');
  const binaries = { root, initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), env: {} };
  return { home, binaries };
}

function openDir(path: string): void {
  privateDir(path);
  chmodSync(path, 0o755);
}

/** May others pass through every folder down to `path`? */
function reachable(path: string): boolean {
  for (let dir = path; dir !== dirname(dir); dir = dirname(dir)) {
    if ((statSync(dir).mode & 0o001) === 0) return false;
  }
  return true;
}

function fits(dir: string): boolean {
  return Buffer.byteLength(join(dir, `.s.PGSQL.${SOCKET_PORT}`)) <= limits.socketPathBytes;
}

function refuseOtherMajor(home: string): void {
  const others = listDir(home).filter((name) => /^\d+$/.test(name) && name !== MAJOR);
  if (others.length === 0 || existsSync(join(home, MAJOR))) return;
  throw new LaunchError(
    'data_dir_unusable',
    `${home} holds a database of PostgreSQL ${others.join(', ')}; this OPMAS brings PostgreSQL ${MAJOR}.`,
    `Start it with the OPMAS that made it, or move ${join(home, others[0] ?? '')} away to begin anew.`,
  );
}

function listDir(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
