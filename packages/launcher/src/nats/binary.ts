/** Finds a nats-server: the one asked for, the one in the data folder, the one on PATH, the system's. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { LaunchError, messageOf } from '../errors.ts';

export interface NatsBinary {
  path: string;
  /** As it says itself: `nats-server: v2.9.10`. */
  version: string;
}

export interface NatsBinaryOptions {
  dataDir: string;
  /** OPMAS_NATS_BIN: when given, nothing else is tried. */
  bin?: string | undefined;
  /** PATH. */
  path?: string | undefined;
}

/** @throws {LaunchError} nats_missing, with the line to type */
export function natsBinary({ dataDir, bin, path = '' }: NatsBinaryOptions): NatsBinary {
  const places =
    bin === undefined
      ? [join(dataDir, 'bin'), ...path.split(delimiter), '/usr/sbin', '/usr/local/bin']
          .filter((dir) => dir !== '')
          .map((dir) => join(dir, 'nats-server'))
      : [bin];
  const found = places.find(isExecutable);
  if (found === undefined) {
    throw new LaunchError(
      'nats_missing',
      bin === undefined
        ? 'No nats-server was found in the data folder, on PATH or in /usr/sbin.'
        : `OPMAS_NATS_BIN names ${bin}, which is no program.`,
      'Run `npm run setup`, or `sudo apt-get install nats-server`, or set OPMAS_NATS_BIN.',
    );
  }
  return { path: found, version: versionOf(found) };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function versionOf(path: string): string {
  try {
    return execFileSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 }).trim();
  } catch (cause) {
    throw new LaunchError(
      'nats_missing',
      `${path} does not run here: ${messageOf(cause)}`,
      'Set OPMAS_NATS_BIN to a nats-server for this machine.',
      { cause },
    );
  }
}
