/** The directory that agents are dropped into: made, watched, and waited for when it is away. */
import { mkdir, realpath } from 'node:fs/promises';
import { codeOf } from '@opmas/keyring';
import { messageOf } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import { listPackages } from './folders.ts';
import { type Watcher, watchDirectory } from './watcher.ts';

export interface AgentsDirectory {
  /**
   * Its real path and package folders; undefined while it is away, which must stop no agent. The
   * folders that `known` names for that path are looked for first.
   */
  list(
    known: (directory: string) => string[],
  ): Promise<{ directory: string; folders: string[] } | undefined>;
  stop(): Promise<void>;
}

/** @param options.onChange called soon after something in it changed */
export function createAgentsDirectory(options: {
  path: string;
  logger: Logger;
  onChange(): void;
}): AgentsDirectory {
  const { path, logger, onChange } = options;
  let state: 'unknown' | 'there' | 'away' = 'unknown';
  let watcher: Watcher | undefined;
  let overflowed = false;

  return {
    list: async (known) => {
      try {
        if (state === 'unknown') await mkdir(path, { recursive: true });
        const directory = await realpath(path);
        if (state !== 'there') {
          await watcher?.stop();
          watcher = watchDirectory({ directory, logger, onChange });
        }
        const { folders, overflow } = await listPackages(directory, known(directory));
        state = 'there';
        if (overflow && !overflowed) {
          const fields = { directory, packages: limits.packages };
          logger.warn(fields, 'too many folders; the rest is not looked at');
        }
        overflowed = overflow;
        return { directory, folders };
      } catch (error) {
        if (codeOf(error) === 'unknown') throw error;
        if (state !== 'away') {
          const fields = { directory: path, err: messageOf(error) };
          logger.warn(fields, 'the agents directory cannot be read; agents go on as they are');
        }
        state = 'away';
        return undefined;
      }
    },
    stop: async () => {
      await watcher?.stop();
      watcher = undefined;
    },
  };
}
