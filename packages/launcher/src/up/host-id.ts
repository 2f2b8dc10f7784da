/** The name of this machine among hosts: given once, kept in the data folder. */
import { join } from 'node:path';
import { readText, writePrivate } from '../data/files.ts';
import { token } from './setting-kinds.ts';

const FIRST = 'local';

/** The given name (kept from now on), else the kept one, else `local`. */
export function hostIdOf(dataDir: string, given: string | undefined): string {
  const path = join(dataDir, 'host-id');
  const kept = readText(path)?.trim();
  const valid = kept !== undefined && token(kept).ok ? kept : undefined;
  const id = given ?? valid ?? FIRST;
  if (id !== kept) writePrivate(path, `${id}\n`);
  return id;
}
