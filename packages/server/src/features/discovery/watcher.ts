/** Says that something in the agents directory changed, soon after it did. What it misses, polling finds. */
import { relative, sep } from 'node:path';
import { packageLimits } from '@opmas/keyring';
import { watch } from 'chokidar';
import { messageOf } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';

export interface Watcher {
  stop(): Promise<void>;
}

/** Folders inside a package that are watched; deeper changes wait for the poll. */
const DEPTH = 2;
/** Many changes at once are one. */
const GATHER_MS = 50;
const UNWATCHED = new Set(['node_modules', '.git', '.opmas']);

export function watchDirectory(options: {
  directory: string;
  logger: Logger;
  onChange(): void;
}): Watcher {
  const { directory, logger, onChange } = options;
  const perFolder = new Map<string, Set<string>>();
  /** So many paths of one package at most: a hostile folder must not fill the memory. */
  const ignored = (path: string): boolean => {
    const parts = relative(directory, path).split(sep);
    const folder = parts[0] ?? '';
    if (folder === '') return false;
    if (/^[_.]/.test(folder) || parts.some((part) => UNWATCHED.has(part))) return true;
    let seen = perFolder.get(folder);
    if (seen === undefined) {
      if (perFolder.size >= limits.packages) return true;
      seen = new Set();
      perFolder.set(folder, seen);
    }
    if (seen.size >= packageLimits.files) return !seen.has(path);
    seen.add(path);
    return false;
  };
  const watcher = watch(directory, {
    depth: DEPTH,
    ignored,
    ignoreInitial: true,
    followSymlinks: false,
    ignorePermissionErrors: true,
  });
  let complained = false;
  let gather: NodeJS.Timeout | undefined;
  watcher.on('all', (_, path) => {
    if (relative(directory, path).split(sep).length === 1)
      perFolder.delete(relative(directory, path));
    gather ??= setTimeout(() => {
      gather = undefined;
      onChange();
    }, GATHER_MS);
  });
  watcher.on('error', (error) => {
    if (!complained)
      logger.warn({ err: messageOf(error) }, 'watching fails; the directory is polled');
    complained = true;
  });
  return {
    stop: async () => {
      await watcher.close();
      clearTimeout(gather);
    },
  };
}
