/** Finds a nats-server, or unpacks Debian's into the data folder; installs and starts no service. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, isProgram, isRoot } from './files.mjs';
import { run, SetupError } from './say.mjs';

/**
 * @param {string} dataDir
 * @returns {Promise<string>} path of the program
 */
export async function ensureNats(dataDir) {
  const given = process.env.OPMAS_NATS_BIN;
  if (given) {
    if (isProgram(given)) return given;
    throw new SetupError(
      `OPMAS_NATS_BIN names ${given}, which is no program.`,
      'unset OPMAS_NATS_BIN',
    );
  }
  const own = join(dataDir, 'bin', 'nats-server');
  if (isProgram(own)) return own;
  const found = findProgram(['nats-server'], ['/usr/sbin', '/usr/local/bin']);
  if (found !== undefined) return found;
  const apt = findProgram(['apt-get'], ['/usr/bin']);
  if (apt === undefined || findProgram(['dpkg-deb'], ['/usr/bin']) === undefined) {
    throw new SetupError(
      'No nats-server was found, and this is no Debian or Ubuntu to fetch it from.',
      'install nats-server (https://nats.io/download), or set OPMAS_NATS_BIN to it',
    );
  }
  mkdirSync(join(dataDir, 'bin'), { recursive: true, mode: 0o700 });
  const work = mkdtempSync(join(dataDir, 'bin', 'fetch-'));
  try {
    await download(apt, work);
    const archive = readdirSync(work).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new SetupError('apt-get downloaded nothing');
    await run('Unpacking nats-server', 'dpkg-deb', ['-x', join(work, archive), join(work, 'x')]);
    copyFileSync(join(work, 'x', 'usr', 'sbin', 'nats-server'), join(work, 'nats-server'));
    await run('Trying nats-server', join(work, 'nats-server'), ['--version']);
    renameSync(join(work, 'nats-server'), own);
    return own;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SetupError(
      `nats-server could not be fetched.\n${why}`,
      'sudo apt-get install nats-server',
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** With the machine's package lists where they are; with lists of our own where they are missing or not ours to read. */
async function download(apt, work) {
  const sandbox = isRoot() ? ['-o', 'APT::Sandbox::User=root'] : [];
  try {
    await run('Fetching nats-server', apt, [...sandbox, 'download', 'nats-server'], { cwd: work });
  } catch {
    const state = join(work, 'state');
    const cache = join(work, 'cache');
    mkdirSync(join(state, 'lists', 'partial'), { recursive: true });
    mkdirSync(join(cache, 'archives', 'partial'), { recursive: true });
    const own = [
      ...sandbox,
      '-o',
      `Dir::State=${state}`,
      '-o',
      'Dir::State::status=/var/lib/dpkg/status',
      '-o',
      `Dir::Cache=${cache}`,
    ];
    await run('Reading the package lists', apt, [...own, 'update'], { cwd: work });
    await run('Fetching nats-server', apt, [...own, 'download', 'nats-server'], { cwd: work });
  }
}
