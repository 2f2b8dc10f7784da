/** The master key: what seals every stored secret; the first line of its file, older ones below it. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { deriveKey } from './derive.ts';
import { errnoOf, KeyringError } from './errors.ts';
import { limits } from './limits.ts';
import { makePrivate, writePrivate } from './private-file.ts';

const KEY_BYTES = 32;
const OTHERS_MAY_READ = 0o077;
const LINE = /^([A-Za-z0-9+/]{43}=)(?: retiring (\S{1,40}))?$/;

export interface MasterKey {
  /** First 8 hex digits of the key's SHA-256: it names the key and tells nothing of it. */
  id: string;
  bytes: Uint8Array;
  /** What wraps the keys of sealed values. */
  wrapping: Uint8Array;
  /** A rotation replaced it then (milliseconds since 1970) and drops it once nothing needs it. */
  retiringSince: number | undefined;
}

/** The first seals; all of them open. Never empty. */
export type MasterKeys = readonly [MasterKey, ...MasterKey[]];

/** A master key file in use: reads it again when it changed, so that a rotation needs no restart. */
export interface Keyring {
  readonly path: string;
  /** @throws {KeyringError} OPMAS_MASTER_KEY_UNUSABLE */
  keys(): MasterKeys;
  /** The key of this id, if the file has it, or had it a minute ago: for values read just before it went. */
  find(id: string): MasterKey | undefined;
}

/**
 * Opens the file, making it on the first start when `make` allows it. Two processes that make it at once
 * end up with the same key.
 * @throws {KeyringError} OPMAS_MASTER_KEY_UNUSABLE when it is lost, damaged, or readable by others
 */
export function openKeyring(
  path: string,
  { make, now = () => performance.now() }: { make: boolean; now?: () => number },
): Keyring {
  let seen = '';
  let keys: MasterKeys | undefined;
  let former: { key: MasterKey; until: number }[] = [];
  const read = (): MasterKeys => {
    const stamp = stampOf(path);
    if (keys === undefined || stamp !== seen) {
      const held = readMasterKeys(path);
      const gone = (keys ?? []).filter(({ id }) => held.every((key) => key.id !== id));
      const until = now() + limits.formerKeyMs;
      former = [...former, ...gone.map((key) => ({ key, until }))].slice(-limits.masterKeys);
      keys = held;
      seen = stamp;
    }
    return keys;
  };
  const find = (id: string): MasterKey | undefined =>
    read().find((key) => key.id === id) ??
    former.find(({ key, until }) => key.id === id && now() < until)?.key;
  if (make && stampOf(path) === '') {
    makePrivate(path, textOf([newMasterKey()]));
  }
  read();
  return { path, keys: read, find };
}

/** A key ring of keys at hand, for what has no file. */
export function fixedKeyring(keys: MasterKeys): Keyring {
  return { path: '(memory)', keys: () => keys, find: (id) => keys.find((key) => key.id === id) };
}

export function newMasterKey(): MasterKey {
  return masterKeyOf(randomBytes(KEY_BYTES));
}

/** @throws {KeyringError} OPMAS_MASTER_KEY_UNUSABLE */
export function readMasterKeys(path: string): MasterKeys {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw lost(path);
    throw unusable(
      `The master key ${path} cannot be read`,
      'Let the user who runs OPMAS read it',
      error,
    );
  }
  try {
    const { mode, size } = fstatSync(fd);
    if ((mode & OTHERS_MAY_READ) !== 0) {
      throw unusable(
        `Others than its owner can reach the master key ${path} (mode ${(mode & 0o777).toString(8)})`,
        `Run: chmod 600 ${quoted(path)}`,
      );
    }
    if (size > limits.masterKeyBytes) throw damaged(path, 'it is too large');
    return parseMasterKeys(readFileSync(fd, 'utf8'), path);
  } finally {
    closeSync(fd);
  }
}

/** Lines of 32 bytes in base64; empty lines and those that begin with # count for nothing. */
export function parseMasterKeys(text: string, path: string): MasterKeys {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const keys = lines.map((line, index) => {
    const [, base64 = '', since] = LINE.exec(line) ?? [];
    const bytes = Buffer.from(base64, 'base64');
    const retiringSince = since === undefined ? undefined : Date.parse(since);
    // Base64 that reads back differently has stray bits: a mistyped key, not another spelling.
    const isExact = bytes.length === KEY_BYTES && bytes.toString('base64') === base64;
    if (!isExact || Number.isNaN(retiringSince ?? 0)) {
      throw damaged(path, `key ${index + 1} is not ${KEY_BYTES} bytes in base64`);
    }
    return masterKeyOf(bytes, retiringSince);
  });
  const [first, ...others] = keys;
  if (first === undefined) throw damaged(path, 'it is empty');
  if (keys.length > limits.masterKeys) {
    throw damaged(path, `it holds more than ${limits.masterKeys} keys`);
  }
  return [first, ...others];
}

/** Replaces the file; every process that has it open takes the keys over at its next use. */
export function writeMasterKeys(path: string, keys: MasterKeys): void {
  writePrivate(path, textOf(keys));
}

function masterKeyOf(bytes: Uint8Array, retiringSince?: number): MasterKey {
  const id = createHash('sha256').update(bytes).digest('hex').slice(0, 8);
  return { id, bytes, wrapping: deriveKey(bytes, 'opmas seal v1'), retiringSince };
}

function textOf(keys: readonly MasterKey[]): string {
  return keys
    .map(({ bytes, retiringSince }) => {
      const base64 = Buffer.from(bytes).toString('base64');
      const since = retiringSince === undefined ? undefined : new Date(retiringSince).toISOString();
      return since === undefined ? `${base64}\n` : `${base64} retiring ${since}\n`;
    })
    .join('');
}

/** Changes whenever the file was replaced or written; empty when there is none. */
function stampOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.mode}`;
}

function lost(path: string): KeyringError {
  return unusable(
    `The master key ${path} is gone, and stored secrets need it`,
    'Restore it from a backup: nothing else opens them',
  );
}

function damaged(path: string, what: string): KeyringError {
  return unusable(
    `The master key ${path} is damaged: ${what}`,
    'Restore it from a backup: nothing else opens the stored secrets',
  );
}

function unusable(what: string, fix: string, cause?: unknown): KeyringError {
  return new KeyringError(
    'OPMAS_MASTER_KEY_UNUSABLE',
    what,
    fix,
    cause === undefined ? undefined : { cause },
  );
}

function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
