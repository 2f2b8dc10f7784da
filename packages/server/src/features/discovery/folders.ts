/** Which folders of the agents directory are packages, and whether one has changed since it was looked at. */
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, packageLimits } from '@opmas/keyring';
import { limits } from '../../kernel/limits.ts';
import { discoveryLimits } from './discovery.ts';

const MAX_DEPTH = 20;
const UNSEEN = new Set(['.git', '.opmas']);

export interface Listing {
  folders: string[];
  /** Were there more than may be looked at? */
  overflow: boolean;
}

/**
 * Folders with a discovery file, whose name starts with neither `_` nor `.`, sorted. Those in `known`
 * come first, so that a flood of new folders never pushes out a package that is there.
 */
export async function listPackages(directory: string, known: readonly string[]): Promise<Listing> {
  const found = new Set<string>();
  const look = async (name: string) => {
    if (/^[_.]/.test(name) || found.has(name)) return;
    if (await exists(join(directory, name, '.env.discovery'))) found.add(name);
  };
  for (const name of known) await look(name);
  let looked = 0;
  for await (const entry of await opendir(directory)) {
    looked += 1;
    if (found.size >= limits.packages || looked > discoveryLimits.directoryEntries) {
      return { folders: [...found].sort(), overflow: true };
    }
    await look(entry.name);
  }
  return { folders: [...found].sort(), overflow: false };
}

export interface Fingerprint {
  /** Equal as long as nothing in the folder changes. */
  print: string;
  /** When something in it last changed, milliseconds since the epoch; it cannot be set by hand. */
  changedAt: number;
}

/** @returns undefined while files come and go under the look. */
export async function fingerprint(path: string): Promise<Fingerprint | undefined> {
  const lines: string[] = [];
  let changedAt = 0;
  const add = (name: string, stat: Stats) => {
    changedAt = Math.max(changedAt, stat.ctimeMs);
    lines.push([name, stat.ino, stat.mode, stat.size, stat.mtimeMs, stat.ctimeMs].join('\0'));
  };
  const walk = async (at: string, below: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) return;
    for await (const { name } of await opendir(at)) {
      if (depth === 0 && UNSEEN.has(name)) continue;
      // Beyond the bound the package is refused anyway.
      if (lines.length > packageLimits.files) return;
      const stat = await lstat(join(at, name));
      add(`${below}/${name}`, stat);
      const installed = depth === 0 && name === 'node_modules';
      if (stat.isDirectory() && !installed)
        await walk(join(at, name), `${below}/${name}`, depth + 1);
    }
  };
  try {
    const root = await lstat(path);
    add('', root);
    if (root.isDirectory()) await walk(path, '', 0);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    if (codeOf(error) !== 'EACCES') throw error;
    lines.push('unreadable');
  }
  const print = createHash('sha256').update(lines.sort().join('\n')).digest('hex');
  return { print, changedAt };
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) return false;
    if (codeOf(error) === 'EACCES') return true;
    throw error;
  }
}
