/**
 * A new master key without a pause: it is put before the old one, everything sealed is rewrapped in
 * batches, and the old one is dropped. Each step can be repeated, so a killed server's rotation goes on.
 */
import { accessSync, constants, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type Keyring,
  KeyringError,
  type MasterKey,
  type MasterKeys,
  newMasterKey,
  reseal,
  sealedPrefix,
  writeMasterKeys,
} from '@opmas/keyring';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, OpmasError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Database, Executor, SealedColumn } from '../../platform/ports.ts';
import { filesByKey, resealFiles } from './sealed-files.ts';
import * as store from './secrets.store.ts';
import { coded, placeOf } from './vault.ts';

export interface RotationOptions {
  database: Database;
  keyring: Keyring;
  /** Everything in the database that is sealed. */
  columns: readonly SealedColumn[];
  /** Sealed files lie in it and below. */
  directory: string;
  /** How long replicas get to bring their own sealed files along before the old key is dropped. */
  overlapMs: number;
  clock: Clock;
  logger: Logger;
}

interface Batch {
  /** The place to go on from; undefined when there are no more. */
  next: string | undefined;
  changed: number;
}

export interface SealedCount {
  /** Under the current master key. */
  current: number;
  /** Under an older one that the file still holds. */
  older: number;
  /** Under one it does not hold. */
  unreadable: number;
}

export function createRotation(options: RotationOptions) {
  const { database, keyring, columns, directory, overlapMs, clock, logger } = options;
  const told = new Set<string>();
  /** Once for each: work is done every few seconds. */
  const tell = (what: string, error: unknown) => {
    if (told.has(what) || told.size >= limits.sealedFaults) return;
    told.add(what);
    logger.error({ secret: what, err: messageOf(error) }, 'a stored secret does not open');
  };

  async function rewrapBatch(
    db: Executor,
    column: SealedColumn,
    search: { prefix: string; after: string; wait: boolean },
  ): Promise<Batch> {
    const rows = await store.lockSealedRows(db, column, { ...search, limit: limits.sealedBatch });
    const changed = rows.flatMap(({ ctid, key, sealed }) => {
      const place = placeOf(column, key);
      try {
        return [{ ctid, sealed: reseal(keyring, place, sealed) }];
      } catch (error) {
        if (!(error instanceof KeyringError)) throw error;
        // No key opens it, so it holds up nothing.
        tell(`${place.table} ${place.id}`, error);
        return [];
      }
    });
    if (changed.length > 0) await store.writeSealedRows(db, column, changed);
    return { next: rows.at(-1)?.ctid, changed: changed.length };
  }

  /**
   * Rewraps what is under one key. `inBatch` gives each batch its transaction.
   * @returns how many values were rewrapped
   */
  async function rewrapAll(
    { id }: MasterKey,
    { wait }: { wait: boolean },
    inBatch: (work: (db: Executor) => Promise<Batch>) => Promise<Batch>,
  ): Promise<number> {
    const prefix = sealedPrefix(id);
    let count = 0;
    for (const column of columns) {
      let after: string | undefined = store.FIRST_ROW;
      while (after !== undefined) {
        const from: string = after;
        const batch = await inBatch((db) => rewrapBatch(db, column, { prefix, after: from, wait }));
        count += batch.changed;
        after = batch.next;
      }
    }
    return count;
  }

  /**
   * Drops the key, with everybody who seals locked out, once a look found nothing to rewrap. What it did
   * find must be committed first: the file cannot be rolled back with the transaction.
   */
  async function drop(key: MasterKey): Promise<void> {
    const attempt = () =>
      database.transaction(async (tx) => {
        await store.lockForRotation(tx);
        const found = await rewrapAll(key, { wait: true }, (work) => work(tx));
        if (found > 0) return false;
        resealFiles(keyring, directory, tell);
        const [first, ...others] = keyring.keys();
        writeMasterKeys(keyring.path, [first, ...others.filter(({ id }) => id !== key.id)]);
        return true;
      });
    // Between the two somebody may have sealed under the old key once more: then the next run goes on.
    if (!(await attempt()) && !(await attempt())) return;
    logger.info({ key_id: key.id }, 'master key dropped: nothing is sealed under it any more');
  }

  return {
    /**
     * Puts a new master key before the old one. From now on it seals; the rest is `work`'s.
     * @throws {OpmasError} OPMAS_CONFLICT while another rotation goes on, or when the file is not ours to write
     */
    async begin(tx: Executor): Promise<{ key_id: string; former: string }> {
      await store.lockForRotation(tx);
      const keys = coded(() => keyring.keys());
      refuseRunning(keys);
      refuseForeign(keyring.path);
      const added = newMasterKey();
      const [old, ...others] = keys;
      const retiring = { ...old, retiringSince: clock.now() };
      writeMasterKeys(keyring.path, [added, retiring, ...others]);
      logger.info({ key_id: added.id, former: old.id }, 'master key changed; rewrapping');
      return { key_id: added.id, former: old.id };
    },

    /** Brings everything under the current master key, and drops what a rotation retired. */
    async work(): Promise<void> {
      const [, ...older] = coded(() => keyring.keys());
      if (older.length === 0) return;
      for (const key of older) {
        await rewrapAll(key, { wait: false }, (work) => database.transaction(work));
      }
      resealFiles(keyring, directory, tell);
      for (const key of older) {
        const { retiringSince } = key;
        if (retiringSince === undefined || clock.now() < retiringSince + overlapMs) continue;
        if (isOurs(keyring.path)) await drop(key);
      }
    },

    async status(db: Executor) {
      const [current, ...older] = coded(() => keyring.keys());
      const count: SealedCount = { current: 0, older: 0, unreadable: 0 };
      const add = (id: string | undefined, by: number) => {
        if (id === current.id) count.current += by;
        else if (older.some((key) => key.id === id)) count.older += by;
        else count.unreadable += by;
      };
      for (const column of columns) {
        for (const row of await store.countByPrefix(db, column)) {
          add(row.prefix.split('.')[1], row.count);
        }
      }
      for (const id of filesByKey(directory)) add(id, 1);
      return {
        key_id: current.id,
        path: keyring.path,
        writable: isOurs(keyring.path),
        rotating: older.some(({ retiringSince }) => retiringSince !== undefined),
        older: older.map(({ id, retiringSince }) => ({
          key_id: id,
          retiring_since:
            retiringSince === undefined ? null : new Date(retiringSince).toISOString(),
        })),
        sealed: count,
      };
    },
  };
}

export type Rotation = ReturnType<typeof createRotation>;

function refuseRunning(keys: MasterKeys): void {
  const retiring = keys.find(({ retiringSince }) => retiringSince !== undefined);
  if (retiring === undefined) return;
  throw new OpmasError(
    'OPMAS_CONFLICT',
    `A rotation is under way: master key ${retiring.id} is being replaced. \`opmas secrets status\` shows how far it is.`,
  );
}

function refuseForeign(path: string): void {
  if (isOurs(path)) return;
  throw new OpmasError(
    'OPMAS_CONFLICT',
    `The master key ${path} is not OPMAS's to write. Put a new line of \`openssl rand -base64 32\` before the others: ` +
      'everything is rewrapped within seconds, and `opmas secrets status` says when the old line may go.',
  );
}

/** A plain file in a folder we may write to; a mounted secret is neither. */
function isOurs(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    return lstatSync(path).isFile();
  } catch {
    // Whatever stands in the way: it is not for us to write there.
    return false;
  }
}
