/** Reads a package folder without ever leaving it: what is hashed is what was opened, and nothing else. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { packageLimits } from './limits.ts';
import { codeOf, RefusedPackage, show } from './refused.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants;
const CHUNK = 256 * 1024;
/** Beside the files it signs, and no part of them. */
export const SIGNATURE_FILE = '.opmas-signature';
/** At the top only: installed dependencies are linked, not copied; the others are no part of a package. */
const SKIPPED = new Set(['node_modules', '.git', '.opmas', SIGNATURE_FILE]);

export interface TreeFile {
  /** Relative, with `/`. */
  path: string;
  executable: boolean;
  /** May anybody write it, by its mode? */
  writable: boolean;
  sha256: string;
}

/**
 * Reads every file below `root`, and copies it below `copyTo` when given. Only regular files and
 * folders are let through; on Linux each step is taken from the opened folder above it, so that a
 * folder swapped for a link on the way changes nothing.
 * @throws {RefusedPackage} for links, special files, case twins, control characters, and beyond a bound.
 */
export async function readTree(root: string, copyTo?: string): Promise<TreeFile[]> {
  const state: State = { files: [], entries: 0, bytes: 0, names: new Map(), links: new Map() };
  const handle = await openDirectory(root, '.');
  try {
    await readFolder(handle, root, '', 0, copyTo, state);
  } finally {
    await handle.close();
  }
  for (const [, link] of state.links) {
    if (link.seen < link.nlink) {
      throw new RefusedPackage(
        'hard_link',
        `${show(link.path)} is also a file outside the package`,
      );
    }
  }
  return state.files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** SHA-256 over the sorted paths, contents and executable bits. */
export function digestOf(files: readonly TreeFile[]): string {
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(`${file.path}\0${file.executable ? 'x' : '-'}\0${file.sha256}\n`);
  }
  return hash.digest('hex');
}

/**
 * Reads one file of at most `maxBytes` that is really there, not a link.
 * @returns undefined when it does not exist
 * @throws {RefusedPackage} when it is anything else than a regular file, or larger.
 */
export async function readPlainFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const handle = await openFile(path, name, true);
  if (handle === undefined) return undefined;
  try {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of chunks(handle)) {
      size += part.length;
      if (size > maxBytes) {
        throw new RefusedPackage('too_large', `${show(name)} is over ${maxBytes} bytes`);
      }
      parts.push(Buffer.from(part));
    }
    return Buffer.concat(parts);
  } finally {
    await handle.close();
  }
}

interface State {
  files: TreeFile[];
  entries: number;
  bytes: number;
  /** Paths in lower case, to the spelling first seen. */
  names: Map<string, string>;
  links: Map<string, { nlink: number; seen: number; path: string }>;
}

async function readFolder(
  folder: FileHandle,
  path: string,
  below: string,
  depth: number,
  copyTo: string | undefined,
  state: State,
): Promise<void> {
  if (depth > packageLimits.depth) {
    throw new RefusedPackage('too_deep', `folders nest deeper than ${packageLimits.depth}`);
  }
  const here = process.platform === 'linux' ? `/proc/self/fd/${folder.fd}` : path;
  for await (const { name } of await opendir(here)) {
    if (depth === 0 && SKIPPED.has(name)) continue;
    state.entries += 1;
    if (state.entries > packageLimits.files) {
      throw new RefusedPackage('too_many_files', `more than ${packageLimits.files} files`);
    }
    const relative = below === '' ? name : `${below}/${name}`;
    checkName(relative, state);
    const at = join(here, name);
    const stat = await lstat(at).catch((error: unknown) => {
      throw refused(error, relative);
    });
    if (stat.isSymbolicLink()) {
      throw new RefusedPackage(
        'symlink',
        `${show(relative)} is a symbolic link; copy the file itself`,
      );
    }
    if (stat.isDirectory()) {
      const inner = await openDirectory(at, relative);
      try {
        if (copyTo !== undefined) await mkdir(join(copyTo, relative), { mode: 0o700 });
        await readFolder(inner, join(path, name), relative, depth + 1, copyTo, state);
      } finally {
        await inner.close();
      }
    } else await readOne(at, relative, copyTo, state);
  }
}

async function readOne(
  at: string,
  path: string,
  copyTo: string | undefined,
  state: State,
): Promise<void> {
  const handle = await openFile(at, path, false);
  if (handle === undefined) throw new RefusedPackage('changing', `${show(path)} vanished`);
  let copy: FileHandle | undefined;
  try {
    const stat = await handle.stat();
    if (stat.nlink > 1) {
      const id = `${stat.dev}:${stat.ino}`;
      const link = state.links.get(id) ?? { nlink: stat.nlink, seen: 0, path };
      link.seen += 1;
      state.links.set(id, link);
    }
    const executable = (stat.mode & 0o111) !== 0;
    if (copyTo !== undefined)
      copy = await open(join(copyTo, path), 'wx', executable ? 0o500 : 0o400);
    const hash = createHash('sha256');
    for await (const part of chunks(handle)) {
      state.bytes += part.length;
      if (state.bytes > packageLimits.bytes) {
        throw new RefusedPackage('too_large', `more than ${packageLimits.bytes} bytes`);
      }
      hash.update(part);
      if (copy !== undefined) await copy.writeFile(part);
    }
    const writable = (stat.mode & 0o222) !== 0;
    state.files.push({ path, executable, writable, sha256: hash.digest('hex') });
  } finally {
    await handle.close();
    await copy?.close();
  }
}

/** The parts share one buffer: use each before asking for the next. */
async function* chunks(handle: FileHandle): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function openDirectory(at: string, path: string): Promise<FileHandle> {
  try {
    return await open(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    throw refused(error, path);
  }
}

/** O_NONBLOCK, because opening a FIFO would otherwise wait for its writer. */
async function openFile(
  at: string,
  path: string,
  mayMiss: boolean,
): Promise<FileHandle | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (mayMiss && codeOf(error) === 'ENOENT') return undefined;
    throw refused(error, path);
  }
  const stat = await handle.stat();
  if (stat.isFile()) return handle;
  await handle.close();
  throw new RefusedPackage('special_file', `${show(path)} is not a regular file`);
}

function checkName(path: string, state: State): void {
  const spelling = path.normalize('NFC').toLowerCase();
  const twin = state.names.get(spelling);
  if (twin !== undefined) {
    throw new RefusedPackage(
      'case_twins',
      `${show(path)} and ${show(twin)} differ in case alone: they are one file on other systems`,
    );
  }
  state.names.set(spelling, path);
  if (/[\p{Cc}\u2028-\u202e\u2066-\u2069\ufffd\\]/u.test(path)) {
    throw new RefusedPackage('bad_name', `the file name ${show(path)} holds forbidden characters`);
  }
}

function refused(error: unknown, path: string): RefusedPackage {
  const code = codeOf(error);
  if (code === 'ELOOP' || code === 'ENOTDIR' || code === 'EMLINK') {
    return new RefusedPackage('symlink', `${show(path)} is a symbolic link; copy the file itself`);
  }
  if (code === 'ENXIO') {
    return new RefusedPackage('special_file', `${show(path)} is not a regular file`);
  }
  if (code === 'ENOENT') return new RefusedPackage('changing', `${show(path)} vanished`);
  return new RefusedPackage('unreadable', `${show(path)} cannot be read (${code})`);
}
