/** The secrets of layers: sealed into rows of their own, opened where they stand. */
import type { ConfigLayer } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import type { Executor, Vault } from '../../platform/ports.ts';
import * as store from './configs.store.ts';
import { type ScopeRef, secretOwner } from './scopes.ts';
import {
  type FreshSecret,
  type PlainSecret,
  revealStored,
  type StoredSecret,
  storedSecrets,
} from './secret-values.ts';

/**
 * In the transaction that stores the document which names them.
 * @param draftId they are a draft's until it is published
 */
export async function keepSecrets(
  db: Executor,
  vault: Vault,
  ref: ScopeRef,
  fresh: readonly FreshSecret[],
  at: Date,
  draftId: string | null = null,
): Promise<void> {
  const owner = secretOwner(ref);
  const rows: store.SecretRow[] = [];
  for (const { id, path, text } of fresh) {
    const sealed = await vault.seal(db, store.CONFIG_SECRETS, [owner, id, path], text);
    rows.push({ owner, secret_id: id, path, sealed, created_at: at, draft_id: draftId });
  }
  await store.addSecrets(db, rows);
}

/**
 * Texts by id.
 * @throws {OpmasError} OPMAS_SECRET_UNREADABLE when one is gone, or stands where it was not put
 */
export function openSecrets(
  vault: Vault,
  owner: string,
  wanted: readonly StoredSecret[],
  rowOf: (id: string) => store.SecretRow | undefined,
): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { id, path } of wanted) {
    const row = rowOf(id);
    if (row === undefined) {
      throw new OpmasError(
        'OPMAS_SECRET_UNREADABLE',
        `The secret at ${path} of ${owner} is gone. Restore it from a backup, or set it anew.`,
      );
    }
    // The place it is found in, not the one its row claims: an id moved in the document does not open.
    texts.set(id, vault.openText(store.CONFIG_SECRETS, [owner, id, path], row.sealed));
  }
  return texts;
}

/**
 * A document about to be stored, in plain text: with the secrets that came with it, and those it kept.
 * @throws {OpmasError} OPMAS_SECRET_UNREADABLE
 */
export async function revealDocument(
  db: Executor,
  vault: Vault,
  ref: ScopeRef,
  stored: ConfigLayer,
  fresh: readonly FreshSecret[] = [],
): Promise<{ plain: ConfigLayer; secrets: PlainSecret[] }> {
  const texts = new Map(fresh.map(({ id, text }) => [id, text]));
  const kept = storedSecrets(stored).filter(({ id }) => !texts.has(id));
  if (kept.length > 0) {
    const owner = secretOwner(ref);
    const rows = await store.secretsOf(
      db,
      kept.map(({ id }) => ({ owner, id })),
    );
    const byId = new Map(rows.map((row) => [row.secret_id, row]));
    for (const [id, text] of openSecrets(vault, owner, kept, (each) => byId.get(each))) {
      texts.set(id, text);
    }
  }
  return texts.size === 0 ? { plain: stored, secrets: [] } : revealStored(stored, texts);
}
