/** Small file helpers of set-up: stamps that say what a result was made from. */
import { createHash } from 'node:crypto';
import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The text of a file, or undefined. */
export function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Parsed JSON of a file, or undefined when it is missing or broken. */
export function jsonOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** SHA-256 over names and contents of all files under the given paths, except the skipped folders. */
export function hashOf(paths, skip = new Set(['node_modules', 'dist'])) {
  const hash = createHash('sha256');
  const add = (path, name) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (found.isDirectory()) {
      for (const entry of readdirSync(path).sort()) {
        if (!skip.has(entry)) add(join(path, entry), `${name}/${entry}`);
      }
    } else hash.update(`${name}\0${found.size}\0`).update(readFileSync(path));
  };
  for (const path of paths) add(path, path.slice(path.lastIndexOf('/') + 1));
  return hash.digest('hex');
}

export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The first program of one of these names on PATH or in the further folders. */
export function findProgram(names, folders = []) {
  const path = (process.env.PATH ?? '').split(delimiter).filter((dir) => dir !== '');
  for (const dir of [...path, ...folders]) {
    for (const name of names) if (isProgram(join(dir, name))) return join(dir, name);
  }
  return undefined;
}

export const isRoot = () => process.getuid?.() === 0;
