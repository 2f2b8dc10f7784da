/** Small files written whole or not at all, private to the user who runs OPMAS. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { parse } from '@opmas/protocol';
import type { Static, TSchema } from 'typebox';
import { errnoOf, LaunchError } from '../errors.ts';

/** Makes a folder (and those above) with mode 0700 unless it is there. */
export function privateDir(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

/** Replaces `path` by `text`, mode 0600; after return it survives a power loss. */
export function writePrivate(path: string, text: string): void {
  privateDir(dirname(path));
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

export function writeJson(path: string, value: unknown): void {
  writePrivate(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** The text of a file, or undefined when there is none. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * A JSON file of OPMAS's own, checked; undefined when there is none.
 * @throws {LaunchError} data_dir_unusable when it is damaged
 */
export function readJson<S extends TSchema>(path: string, schema: S): Static<S> | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const parsed = parse(schema, jsonOf(text));
  if (parsed.ok) return parsed.value;
  const fault = parsed.errors[0];
  throw new LaunchError(
    'data_dir_unusable',
    `${path} is damaged: ${fault?.path ?? ''} ${fault?.message ?? ''}`.trim(),
    'Restore the file from a backup, or move the data folder away to begin anew.',
  );
}

/** Like readJson, for files that may be lost at any time: damaged counts as absent. */
export function readJsonIfValid<S extends TSchema>(path: string, schema: S): Static<S> | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const parsed = parse(schema, jsonOf(text));
  return parsed.ok ? parsed.value : undefined;
}

export function removeFile(path: string): void {
  rmSync(path, { force: true });
}

export function exists(path: string): boolean {
  return existsSync(path);
}

/** Parsed JSON, or undefined when it is none: a schema check then says so. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
