/** Each agent gets a copy of the authorities to trust, in its own folder: it can read no other file of ours. */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivate } from '@opmas/keyring';
import { limits } from './limits.ts';
import type { Log } from './link.ts';
import type { Runner } from './runner.ts';

/** In an agent's state folder; the runner of the sdk looks for it there. */
export const AUTHORITIES_FILE = 'ca.crt';

export interface AuthoritiesOptions {
  /** PEM file; undefined: agents trust the well-known authorities alone. */
  source: string | undefined;
  /** Folder that holds the agents' state folders. */
  stateDir: string;
  log: Pick<Log, 'info' | 'warn'>;
  pollMs?: number;
}

export interface Authorities {
  /** The same runner; its agents find the authorities when they start. */
  given<R extends Runner>(runner: R): R;
  close(): void;
}

/** Copies to all that have a folder, now and whenever the source changes: running agents learn it too. */
export function authoritiesOfAgents(options: AuthoritiesOptions): Authorities {
  const { source, stateDir, log, pollMs = limits.authoritiesCheckMs } = options;
  let text = source === undefined ? undefined : readFileSync(source, 'utf8');
  let seen = stampOf(source);
  /** What was said last of a source that cannot be read: each message once. */
  let fault = '';
  const copyTo = (folder: string) => {
    const path = join(folder, AUTHORITIES_FILE);
    // Replaced, never written into: an agent may have put a link there.
    if (text === undefined) rmSync(path, { force: true });
    else writePrivate(path, text);
  };
  const copyToAll = () => {
    for (const folder of foldersIn(stateDir)) {
      try {
        copyTo(folder);
      } catch (error) {
        log.warn(
          { err: error, folder },
          'the authorities to trust could not be handed to an agent',
        );
      }
    }
  };
  copyToAll();
  const timer =
    source === undefined
      ? undefined
      : setInterval(() => {
          try {
            const stamp = stampOf(source);
            if (stamp === seen || stamp === '') return; // being exchanged: the next look finds it
            text = readFileSync(source, 'utf8');
            seen = stamp;
            fault = '';
            copyToAll();
            log.info({}, 'the authorities to trust have changed');
          } catch (error) {
            const message = error instanceof Error ? error.message : String(error);
            if (message !== fault)
              log.warn({ err: error }, 'the authorities to trust cannot be read');
            fault = message;
          }
        }, pollMs);
  timer?.unref();
  return {
    given: (runner) => ({
      ...runner,
      start: async (spec, save) => {
        if (text !== undefined) copyTo(spec.state_dir);
        await runner.start(spec, save);
      },
    }),
    close: () => clearInterval(timer),
  };
}

function foldersIn(stateDir: string): string[] {
  if (statSync(stateDir, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(stateDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(stateDir, name));
}

/** Empty when there is no such file. */
function stampOf(path: string | undefined): string {
  if (path === undefined) return '';
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino}/${stat.size}/${stat.mtimeNs}`;
}
