/** Secrets of the database, sealed under the master key and bound to table, row and column. */
import { type Keyring, KeyringError, open, openText, type Place, seal } from '@opmas/keyring';
import { OpmasError } from '../../kernel/errors.ts';
import type { SealedColumn, Vault } from '../../platform/ports.ts';
import { lockAgainstRotation } from './secrets.store.ts';

export function createVault(keyring: Keyring): Vault {
  return {
    seal: async (db, column, key, plain) => {
      await lockAgainstRotation(db);
      return coded(() => seal(keyring, placeOf(column, key), plain));
    },
    open: (column, key, sealed) => coded(() => open(keyring, placeOf(column, key), sealed)),
    openText: (column, key, sealed) => coded(() => openText(keyring, placeOf(column, key), sealed)),
  };
}

export function placeOf({ table, column }: SealedColumn, key: readonly string[]): Place {
  return { table, id: JSON.stringify(key), column, version: 1 };
}

/** The keyring's errors as the server's own: same code, same text. */
export function coded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof KeyringError)) throw error;
    throw new OpmasError(error.code, error.message, { cause: error });
  }
}
