/** Whose signature counts: the publishers an administrator trusts. */
import { RefusedPackage, readPublicKey } from '@opmas/keyring';
import type { Publisher } from '@opmas/protocol';
import { type Clock, timestamp } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Executor } from '../../platform/ports.ts';
import * as store from './publishers.store.ts';

export interface PublishersService {
  list(db: Executor): Promise<Publisher[]>;
  /**
   * Trusts a key from now on; the same key again is answered as it stands.
   * @throws {OpmasError} OPMAS_INVALID_FORMAT for anything but an ed25519 public key; OPMAS_CONFLICT when
   *   the name is another key's, or there are too many.
   */
  add(
    db: Executor,
    publisher: { name: string; public_key: string },
    by: string,
  ): Promise<{ publisher: Publisher; isNew: boolean }>;
  /** @throws {OpmasError} OPMAS_PUBLISHER_NOT_FOUND */
  remove(db: Executor, keyId: string): Promise<Publisher>;
}

export function createPublishersService({ clock }: { clock: Clock }): PublishersService {
  return {
    list: async (db) => (await store.allPublishers(db)).map(toPublisher),

    add: async (db, { name, public_key }, by) => {
      const key = publicKeyOf(public_key);
      const known = await store.publisherById(db, key.keyId);
      if (known?.name === name) return { publisher: toPublisher(known), isNew: false };
      if (known !== undefined) {
        throw new OpmasError('OPMAS_CONFLICT', `This key is trusted already, as ${known.name}`);
      }
      if ((await store.allPublishers(db)).length >= limits.publishers) {
        const most = `There are ${limits.publishers} publishers already; remove one first`;
        throw new OpmasError('OPMAS_CONFLICT', most);
      }
      const row: store.PublisherRow = {
        key_id: key.keyId,
        name,
        public_key: key.publicKey,
        added_by: by,
        created_at: new Date(clock.now()),
      };
      if (await store.insertPublisher(db, row)) return { publisher: toPublisher(row), isNew: true };
      throw new OpmasError('OPMAS_CONFLICT', `A publisher named ${name} is trusted already`);
    },

    remove: async (db, keyId) => {
      const row = await store.deletePublisher(db, keyId);
      if (row !== undefined) return toPublisher(row);
      throw new OpmasError('OPMAS_PUBLISHER_NOT_FOUND', `No publisher has the key ${keyId}`);
    },
  };
}

function publicKeyOf(pem: string): ReturnType<typeof readPublicKey> {
  try {
    return readPublicKey(pem);
  } catch (error) {
    if (!(error instanceof RefusedPackage)) throw error;
    throw new OpmasError('OPMAS_INVALID_FORMAT', `public_key is ${error.message}`, {
      errors: [{ path: 'public_key', message: error.message }],
    });
  }
}

function toPublisher(row: store.PublisherRow): Publisher {
  return { ...row, created_at: timestamp(row.created_at.getTime()) };
}
