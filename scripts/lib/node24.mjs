/** Finds a Node that runs OPMAS: the one that came with the packages, else the user's own. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { findProgram, isProgram } from './files.mjs';
import { SetupError } from './say.mjs';

const WANTED = 24;

/** @returns {string} path of a Node ≥ 24 */
export function findNode(root) {
  const shipped = join(
    root,
    'node_modules',
    `node-${process.platform}-${process.arch}`,
    'bin',
    'node',
  );
  if (isProgram(shipped) && runs(shipped)) return shipped;
  if (major(process.versions.node) >= WANTED) return process.execPath;
  const own = findProgram(['node']);
  if (own !== undefined && runs(own)) return own;
  throw new SetupError(
    `OPMAS needs Node ${WANTED} or newer; this is ${process.versions.node}, and no package brings one for ${process.platform}-${process.arch}.`,
    `install Node ${WANTED} (https://nodejs.org) and put it first on PATH`,
  );
}

/** A program for another C library is there but does not start. */
function runs(path) {
  try {
    const version = execFileSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 });
    return major(version.trim().slice(1)) >= WANTED;
  } catch {
    return false;
  }
}

function major(version) {
  return Number(version.split('.')[0]);
}
