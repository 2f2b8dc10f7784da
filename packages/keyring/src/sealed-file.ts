/** Files of the data folder whose content is sealed: nobody reads them without the master key. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { open, type Place, reseal, seal } from './envelope.ts';
import { errnoOf, KeyringError } from './errors.ts';
import { limits } from './limits.ts';
import type { Keyring } from './master-key.ts';
import { writePrivate } from './private-file.ts';

/** By this ending a rotation of the master key finds them. */
export const SEALED_ENDING = '.sealed';

/** Writes `value` as JSON, sealed, mode 0600, whole or not at all. `path` must end in `.sealed`. */
export function writeSealedJson(keyring: Keyring, path: string, value: unknown): void {
  writePrivate(path, `${seal(keyring, placeOf(path), JSON.stringify(value))}\n`);
}

/**
 * What was written, or undefined when there is no such file. The caller checks its shape. One sealed
 * under an older key is written anew under the current one.
 * @throws {KeyringError} OPMAS_SECRET_UNREADABLE when it was changed or renamed, or its key is missing
 */
export function readSealedJson(keyring: Keyring, path: string): unknown {
  const sealed = readSealed(path);
  if (sealed === undefined) return undefined;
  const plain = open(keyring, placeOf(path), sealed);
  resealTo(keyring, path, sealed);
  return JSON.parse(new TextDecoder().decode(plain)) as unknown;
}

/** Brings one file under the current master key; true when it was not. */
export function resealFile(keyring: Keyring, path: string): boolean {
  const sealed = readSealed(path);
  return sealed !== undefined && resealTo(keyring, path, sealed);
}

function resealTo(keyring: Keyring, path: string, sealed: string): boolean {
  const anew = reseal(keyring, placeOf(path), sealed);
  if (anew === sealed) return false;
  writePrivate(path, `${anew}\n`);
  return true;
}

function readSealed(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    if (fstatSync(fd).size > limits.sealedFileBytes) {
      throw new KeyringError(
        'OPMAS_SECRET_UNREADABLE',
        `${path} is too large for a sealed file`,
        'Restore it from a backup',
      );
    }
    return readFileSync(fd, 'utf8').trim();
  } finally {
    closeSync(fd);
  }
}

/** The name, not the folder: a data folder may be moved, two of its files may not be exchanged. */
function placeOf(path: string): Place {
  return { table: 'file', id: basename(path), column: 'content', version: 1 };
}
