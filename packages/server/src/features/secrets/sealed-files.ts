/** The sealed files of the data folder, brought along when the master key changes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Keyring, resealFile, SEALED_ENDING, sealedUnder } from '@opmas/keyring';
import { limits } from '../../kernel/limits.ts';

/** Id of the master key each file is sealed under; undefined for one that is damaged. */
export function filesByKey(directory: string): (string | undefined)[] {
  return sealedFiles(directory).map((path) => sealedUnder(readFileSync(path, 'utf8').trim()));
}

/** Brings every file under the current key. One that does not open is told and left as it is. */
export function resealFiles(
  keyring: Keyring,
  directory: string,
  onFault: (path: string, error: unknown) => void,
): number {
  let count = 0;
  for (const path of sealedFiles(directory)) {
    try {
      if (resealFile(keyring, path)) count += 1;
    } catch (error) {
      onFault(path, error);
    }
  }
  return count;
}

/** Those of the directory and below; none when it is not there. */
function sealedFiles(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith(SEALED_ENDING))
      .slice(0, limits.sealedFiles)
      .map((name) => join(directory, name));
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return [];
    throw error;
  }
}
