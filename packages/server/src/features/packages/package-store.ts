/** Copies of judged packages on disk, one folder a digest: agents run from here, never from the original. */
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, digestOf, RefusedPackage, readTree } from '@opmas/keyring';
import type { Clock } from '../../kernel/clock.ts';
import { KEPT_DIGESTS } from './package.ts';

export interface StagedPackage {
  /** Where the copy lies until it is committed. */
  dir: string;
  digest: string;
  /**
   * Puts the copy into its place and returns that. `modules`: the package's own installed dependencies;
   * `outerModules`: those of a folder above it.
   */
  commit(links: { modules?: string; outerModules?: string }): Promise<string>;
  discard(): Promise<void>;
}

export interface PackageStore {
  dirOf(folder: string, digest: string): string;
  /** Digest of a folder's files, wherever it lies. */
  digestOf(path: string): Promise<string>;
  /** Is this digest here, unaltered? Reads every file of it. */
  verify(folder: string, digest: string): Promise<boolean>;
  /** Copies a folder aside. Commit or discard it. */
  stage(path: string, folder: string): Promise<StagedPackage>;
  /** Keeps the newest copies and those named, removes the rest. */
  prune(folder: string, inUse: ReadonlySet<string>): Promise<void>;
  /** Removes what a killed process left half-done. Once, before the first use. */
  clean(): Promise<void>;
}

const DIGEST = /^[0-9a-f]{64}$/;
const HALF_DONE = '.tmp-';

/** A store below `root`. The folder is made when it is first needed. */
export function createPackageStore(root: string, clock: Clock): PackageStore {
  const dirOf = (folder: string, digest: string) => {
    if (!DIGEST.test(digest) || folder.includes('/') || folder.startsWith('.')) {
      throw new RefusedPackage('bad_name', 'not a folder and digest of the package store');
    }
    return join(root, folder, digest);
  };
  const aside = () => join(root, `${HALF_DONE}${randomUUID()}`);

  const commit = async (
    staged: string,
    folder: string,
    digest: string,
    links: { modules?: string; outerModules?: string },
  ): Promise<string> => {
    const target = dirOf(folder, digest);
    if (links.modules !== undefined)
      await symlink(links.modules, join(staged, 'node_modules'), 'dir');
    await mkdir(join(root, folder), { recursive: true, mode: 0o700 });
    if (links.outerModules !== undefined) {
      const link = aside();
      await symlink(links.outerModules, link, 'dir');
      await rename(link, join(root, folder, 'node_modules'));
    }
    const now = clock.now() / 1_000;
    await utimes(staged, now, now);
    if (await exists(target)) {
      const altered = aside();
      await rename(target, altered);
      await rename(staged, target);
      await rm(altered, { recursive: true, force: true });
    } else await rename(staged, target);
    return target;
  };

  return {
    dirOf,
    digestOf: async (path) => digestOf(await readTree(path)),
    verify: async (folder, digest) => {
      const dir = dirOf(folder, digest);
      if (!(await exists(dir))) return false;
      try {
        return digestOf(await readTree(dir)) === digest;
      } catch (error) {
        if (error instanceof RefusedPackage) return false;
        throw error;
      }
    },
    stage: async (path, folder) => {
      const dir = aside();
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const discard = () => rm(dir, { recursive: true, force: true });
      try {
        const digest = digestOf(await readTree(path, dir));
        return { dir, digest, discard, commit: (links) => commit(dir, folder, digest, links) };
      } catch (error) {
        await discard();
        throw error;
      }
    },
    prune: async (folder, inUse) => {
      const base = join(root, folder);
      const copies: { name: string; at: number }[] = [];
      for (const name of await namesIn(base)) {
        if (DIGEST.test(name)) copies.push({ name, at: (await lstat(join(base, name))).mtimeMs });
      }
      copies.sort((a, b) => b.at - a.at);
      for (const { name } of copies.slice(KEPT_DIGESTS)) {
        if (!inUse.has(name)) await rm(join(base, name), { recursive: true, force: true });
      }
    },
    clean: async () => {
      for (const name of await namesIn(root)) {
        if (name.startsWith(HALF_DONE))
          await rm(join(root, name), { recursive: true, force: true });
      }
    },
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
