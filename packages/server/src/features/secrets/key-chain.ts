/** Signing keys of the server: made once for all replicas, sealed in the database, renewed with an overlap. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import type { Ids } from '../../kernel/ids.ts';
import type {
  Database,
  Executor,
  KeyChain,
  NamedKey,
  SealedColumn,
  Vault,
} from '../../platform/ports.ts';
import * as store from './secrets.store.ts';

export const CHAIN_COLUMN: SealedColumn = {
  table: 'key_chain',
  key: ['name', 'id'],
  column: 'sealed',
};

const NAMES = ['access-token', 'audit-seal', 'audit-checkpoint'] as const;
type Name = (typeof NAMES)[number];

const DAY_MS = 86_400_000;
/** A key that signs tokens is replaced at this age. */
export const RENEW_MS = 30 * DAY_MS;
/** A new key signs only when every replica has heard of it: they look every few seconds. */
export const ACTIVE_AFTER_MS = 30_000;
/** Nothing an old key signed is still good this long after its successor came: tokens live an hour at most. */
export const OVERLAP_MS = 2 * 3_600_000;

export interface ServerKeyChain extends KeyChain {
  /** Looks what other replicas did. */
  refresh(): Promise<void>;
  /** Replaces what is old, deletes what nothing needs. */
  renew(): Promise<void>;
  /**
   * New signing keys now: access tokens that are out are refused as soon as each replica refreshed. Old
   * audit keys stay, because old rows are verified by them.
   */
  replace(tx: Executor): Promise<void>;
  /** Every key, by name and age; nothing secret. */
  list(db: Executor): Promise<{ name: string; key_id: string; created_at: Date }[]>;
}

export function createKeyChain(options: {
  database: Database;
  vault: Vault;
  clock: Clock;
  ids: Ids;
}): ServerKeyChain {
  const { database, vault, clock, ids } = options;
  const known = new Map<string, readonly NamedKey[]>();
  const asked = new Map<Name, Promise<readonly NamedKey[]>>();

  /** In the order in which a rotation takes them: its own first, then that of the signing keys. */
  const lock = async (tx: Executor): Promise<void> => {
    await store.lockAgainstRotation(tx);
    await store.lockChain(tx);
  };

  const add = async (tx: Executor, name: Name): Promise<store.KeyRow> => {
    const id = ids.uuid();
    const sealed = await vault.seal(tx, CHAIN_COLUMN, [name, id], randomBytes(32));
    const row = { name, id, sealed, created_at: new Date(clock.now()) };
    await store.addKey(tx, row);
    return row;
  };

  const opened = (row: store.KeyRow): NamedKey => {
    const before = known.get(row.name)?.find(({ id }) => id === row.id);
    const createdAt = row.created_at.getTime();
    return (
      before ?? {
        id: row.id,
        createdAt,
        bytes: vault.open(CHAIN_COLUMN, [row.name, row.id], row.sealed),
      }
    );
  };

  const remember = (name: string, rows: readonly store.KeyRow[]): readonly NamedKey[] => {
    const keys = signingOrder(rows.map(opened), clock.now());
    known.set(name, keys);
    return keys;
  };

  const load = async (name: Name): Promise<readonly NamedKey[]> => {
    const committed = await database.transaction(async (tx) => {
      // Replicas that start together must not make two.
      await lock(tx);
      const rows = await store.chainRows(tx, [name]);
      return rows.length > 0 ? rows : [await add(tx, name)];
    });
    return remember(name, committed);
  };

  return {
    keys: async (name) => {
      const keys = known.get(name);
      if (keys !== undefined) return keys;
      const loading = asked.get(name) ?? load(name).finally(() => asked.delete(name));
      asked.set(name, loading);
      return loading;
    },
    refresh: async () => {
      const names = [...known.keys()];
      if (names.length === 0) return;
      const rows = await store.chainRows(database.pool, names);
      for (const name of names) {
        const own = rows.filter((row) => row.name === name);
        if (own.length > 0) remember(name, own);
      }
    },
    renew: () =>
      database.transaction(async (tx) => {
        await lock(tx);
        const rows = await store.chainRows(tx, ['access-token']);
        const now = clock.now();
        const newest = rows[0];
        if (newest !== undefined && newest.created_at.getTime() <= now - RENEW_MS) {
          await add(tx, 'access-token');
        }
        const gone = rows.filter((_, index) => {
          const successor = rows[index - 1];
          return successor !== undefined && successor.created_at.getTime() <= now - OVERLAP_MS;
        });
        if (gone.length > 0) {
          await store.deleteKeys(
            tx,
            'access-token',
            gone.map(({ id }) => id),
          );
        }
      }),
    replace: async (tx) => {
      await store.lockChain(tx);
      const old = await store.chainRows(tx, ['access-token']);
      if (old.length > 0)
        await store.deleteKeys(
          tx,
          'access-token',
          old.map(({ id }) => id),
        );
      for (const name of NAMES) await add(tx, name);
    },
    list: async (db) => {
      const rows = await store.chainRows(db, NAMES);
      return rows.map(({ name, id, created_at }) => ({ name, key_id: id, created_at }));
    },
  };
}

/** `keys` newest first; one that some replica may not know yet comes last, unless there is no other. */
function signingOrder(keys: readonly NamedKey[], now: number): readonly NamedKey[] {
  const isActive = ({ createdAt }: NamedKey) => createdAt <= now - ACTIVE_AFTER_MS;
  return [...keys.filter(isActive), ...keys.filter((key) => !isActive(key))];
}
