/** PostgreSQL as a child in the data folder: made on the first start, reached by a socket, cleaned up after kills. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { privateDir } from '../data/files.ts';
import { limits } from '../limits.ts';
import { Child, type ChildEvent } from '../process/child.ts';
import { asPostgres, type PostgresUser } from '../process/wrapper.ts';
import { clearLeftovers, ensureCluster, postgresEnv, writeConfig } from './cluster.ts';
import { type PostgresPlace, postgresPlace, userFor } from './place.ts';
import {
  APP,
  DATABASE,
  ensureRoles,
  OWNER,
  passwordsOf,
  SUPERUSER,
  socketUrl,
  withClient,
} from './roles.ts';

export interface EmbeddedPostgresOptions {
  /** Absolute; the caller holds its lock. */
  dataDir: string;
  /** false: no fsync, for tests alone. */
  durable?: boolean;
  maxConnections?: number;
  /** How to run it; found out when absent. */
  user?: PostgresUser;
  /** Where it lies when it must really run as another user. */
  outside?: string;
  onEvent?: (event: ChildEvent) => void;
}

export interface EmbeddedPostgres {
  /** As the application role: no superuser, owns nothing. */
  url: string;
  /** As the owner of the database: migrations. */
  migrateUrl: string;
  /** As the superuser: for OPMAS's own tools and tests, never handed to a child. */
  superUrl: string;
  place: PostgresPlace;
  /** Pids of an earlier run that had to be ended first. */
  leftovers: readonly number[];
  /** The postmaster while it runs. */
  pid(): number | undefined;
  /** Fast shutdown: everything committed is on disk, no process is left. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on `<dataDir>/postgres`, and revives it whenever it dies until stopped.
 * @throws {LaunchError} postgres_missing, postgres_failed, child_failed, data_dir_unusable
 */
export async function embeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const { dataDir, durable = true, maxConnections = 60 } = options;
  privateDir(dataDir);
  const place = postgresPlace(dataDir, options.user ?? userFor(dataDir), options.outside);
  const passwords = passwordsOf(dataDir);
  const address = { socketDir: place.socketDir, port: place.socketPort };
  const leftovers: number[] = [];
  await ensureCluster(place, passwords, { durable, maxConnections });

  const child = new Child(
    {
      name: 'postgres',
      prepare: async () => {
        leftovers.push(...(await clearLeftovers(place)));
        writeConfig(place, { durable, maxConnections });
      },
      command: () => ({
        ...asPostgres({ file: place.binaries.postgres, args: ['-D', place.cluster] }, place.user),
        env: postgresEnv(place),
        cwd: place.home,
      }),
      ready: () => answers(socketUrl(SUPERUSER, passwords.superuser, 'postgres', address), place),
      readyTimeoutMs: limits.postgresReadyMs,
      stopSignal: 'SIGINT',
      hardSignal: 'SIGQUIT',
      graceMs: limits.postgresGraceMs,
      logFile: join(dataDir, 'logs', 'postgres.log'),
      pidFile: join(dataDir, 'run', 'postgres.pid.json'),
    },
    options.onEvent === undefined ? {} : { onEvent: options.onEvent },
  );
  await child.start();
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= child.stop().then(async () => {
      await clearLeftovers(place); // backends that outlived a killed postmaster
      rmSync(place.socketDir, { recursive: true, force: true }); // it may lie outside the data folder
    });
    return stopped;
  };
  try {
    await ensureRoles(passwords, address);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: socketUrl(APP, passwords.app, DATABASE, address),
    migrateUrl: socketUrl(OWNER, passwords.owner, DATABASE, address),
    superUrl: socketUrl(SUPERUSER, passwords.superuser, 'postgres', address),
    place,
    leftovers,
    pid: () => child.pid,
    stop,
  };
}

/** Ready means: it accepts a connection and answers a statement. */
async function answers(url: string, place: PostgresPlace) {
  if (!existsSync(join(place.socketDir, `.s.PGSQL.${place.socketPort}`))) return undefined;
  try {
    await withClient(url, (client) => client.query('SELECT 1'));
    return {};
  } catch {
    return undefined; // starting up or recovering; the wait is bounded by the caller
  }
}
