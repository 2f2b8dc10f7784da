/** The exclusive lock on a data folder: names its holder, and passes from a dead holder to exactly one heir. */
import { randomBytes } from 'node:crypto';
import { linkSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, type Static, Type } from '@opmas/protocol';
import { errnoOf, LaunchError } from '../errors.ts';
import { limits } from '../limits.ts';
import { commandOf, isAlive, ownIdentity, ProcessIdentity } from '../process/identity.ts';
import { jsonOf, privateDir, readText, removeFile } from './files.ts';

const Holder = Type.Object({
  ...ProcessIdentity.properties,
  command: Type.String({ maxLength: 200 }),
  acquired_at: Type.String({ maxLength: 40 }),
  /** Unique for each taking of the lock; names the claim of its heir. */
  nonce: Type.String({ pattern: '^[0-9a-f]{32}$' }),
});
export type LockHolder = Static<typeof Holder>;

export interface DataDirLock {
  holder: LockHolder;
  /** Frees the lock if it is still ours; may be called twice. */
  release(): void;
}

export interface LockOptions {
  /** Who takes it; a test may play another process or another boot. */
  identity?: ProcessIdentity;
  alive?: (identity: ProcessIdentity) => boolean;
}

/**
 * Takes the lock `<dir>/run/lock`, or takes it over when its holder is dead.
 *
 * Race-free without kernel locks: the file appears by link(2), whole or not at all. Every holder
 * has a nonce, and a dead holder has one heir only: whoever creates `heir.<nonce>` first. Only the
 * heir may replace the lock; when the heir died too, its own nonce is inherited in the same way.
 * @throws {LaunchError} data_dir_locked, naming the live holder
 */
export function dataDirLock(dir: string, options: LockOptions = {}): DataDirLock {
  const alive = options.alive ?? isAlive;
  const runDir = privateDir(join(dir, 'run'));
  const path = join(runDir, 'lock');
  const holder = newHolder(options.identity ?? ownIdentity());
  const own = join(runDir, `taking.${holder.nonce}`);
  writeFileSync(own, `${JSON.stringify(holder)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    for (let attempt = 0; attempt < limits.lockAttempts; attempt += 1) {
      if (link(own, path)) return held(path, holder);
      const current = readHolder(path);
      if (current === undefined) continue; // released meanwhile
      if (alive(current)) throw locked(dir, current);
      if (inherit({ runDir, path, own, dead: current, alive })) return held(path, holder);
    }
  } finally {
    removeFile(own);
  }
  throw new LaunchError(
    'data_dir_locked',
    `The lock ${path} changes hands too often.`,
    'Start OPMAS once, not in a loop.',
  );
}

/** The live holder of the folder's lock, or undefined. */
export function lockHolder(dir: string): LockHolder | undefined {
  const holder = readHolder(join(dir, 'run', 'lock'));
  return holder !== undefined && isAlive(holder) ? holder : undefined;
}

interface Inheritance {
  runDir: string;
  path: string;
  own: string;
  dead: LockHolder;
  alive: (identity: ProcessIdentity) => boolean;
}

/** Becomes the one heir of a dead holder and replaces its lock; false: look again. */
function inherit({ runDir, path, own, dead, alive }: Inheritance): boolean {
  let claim = join(runDir, `heir.${dead.nonce}`);
  for (let depth = 0; depth < limits.lockAttempts && !link(own, claim); depth += 1) {
    const rival = readHolder(claim);
    if (rival === undefined || alive(rival)) return false;
    claim = join(runDir, `heir.${rival.nonce}`);
  }
  if (readHolder(path)?.nonce !== dead.nonce) {
    removeFile(claim);
    return false;
  }
  const replacement = `${own}.lock`;
  linkSync(own, replacement);
  renameSync(replacement, path);
  for (const name of readdirSync(runDir)) {
    if (name.startsWith('heir.') || deadTaking(join(runDir, name), alive)) {
      removeFile(join(runDir, name));
    }
  }
  return true;
}

/** A file of an attempt whose process was killed before it could clean up. */
function deadTaking(path: string, alive: Inheritance['alive']): boolean {
  if (!basename(path).startsWith('taking.')) return false;
  const holder = readHolder(path);
  return holder !== undefined && !alive(holder);
}

function held(path: string, holder: LockHolder): DataDirLock {
  return {
    holder,
    release() {
      if (readHolder(path)?.nonce === holder.nonce) removeFile(path);
    },
  };
}

function newHolder(identity: ProcessIdentity): LockHolder {
  return {
    ...identity,
    command: commandOf(identity.pid) ?? 'unknown command',
    acquired_at: new Date().toISOString(),
    nonce: randomBytes(16).toString('hex'),
  };
}

function readHolder(path: string): LockHolder | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const parsed = parse(Holder, jsonOf(text));
  return parsed.ok ? parsed.value : DAMAGED;
}

/** Stands for a lock that a power loss cut short: nobody holds it, and it has one heir like any other. */
const DAMAGED: LockHolder = {
  pid: 1,
  start_time: 'damaged',
  boot_id: 'damaged',
  command: 'unknown command',
  acquired_at: 'unknown time',
  nonce: '0'.repeat(32),
};

function locked(dir: string, holder: LockHolder): LaunchError {
  return new LaunchError(
    'data_dir_locked',
    `The data folder ${dir} is in use by process ${holder.pid} (${holder.command}) since ${holder.acquired_at}.`,
    'Stop it with `npm run opmas -- down`, or set OPMAS_DATA_DIR to another folder.',
  );
}

/** True when `to` was created, false when it was there. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}
