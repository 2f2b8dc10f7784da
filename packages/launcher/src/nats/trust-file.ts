/** Keeps the broker's keys, sealed under the master key: whoever can open them is the operator. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createTrust, type Trust } from '@opmas/bus';
import {
  dataKeyring,
  type Keyring,
  KeyringError,
  readSealedJson,
  writeSealedJson,
} from '@opmas/keyring';
import { parse, Type } from '@opmas/protocol';
import type { Static, TSchema } from 'typebox';
import { readJson, removeFile } from '../data/files.ts';
import { LaunchError } from '../errors.ts';

const Text = Type.String({ minLength: 1, maxLength: 8_192 });
const Nkey = Type.Object({ public_key: Text, seed: Text });
const TrustFile = Type.Object({
  version: Type.Literal(1),
  operator: Nkey,
  operator_signing: Nkey,
  operator_jwt: Text,
  system: Type.Object({ account: Nkey, jwt: Text, user: Nkey, user_jwt: Text }),
  account: Type.Object({ identity: Nkey, signing: Nkey, jwt: Text }),
});
const StoreKeyFile = Type.Object({ key: Type.String({ pattern: '^k[0-9a-f]{64}$' }) });

export interface BrokerKeys {
  trust: Trust;
  /** What the broker encrypts its files with. */
  storeKey: string;
}

/**
 * The keys of this data folder, made on the first call.
 * @throws {LaunchError} data_dir_unusable when the master key or a sealed file is lost or damaged
 */
export function brokerKeys(dataDir: string, masterKeyFile: string): BrokerKeys {
  const trustFile = join(dataDir, 'keys', 'nats-trust.sealed');
  const storeKeyFile = join(dataDir, 'keys', 'nats-store.sealed');
  try {
    const keyring = dataKeyring(dataDir, masterKeyFile);
    return {
      trust: trustOf(dataDir, keyring, trustFile),
      storeKey: storeKeyOf(dataDir, keyring, storeKeyFile),
    };
  } catch (error) {
    if (!(error instanceof KeyringError)) throw error;
    throw new LaunchError('data_dir_unusable', error.what, error.fix, { cause: error });
  }
}

function trustOf(dataDir: string, keyring: Keyring, path: string): Trust {
  const plainFile = join(dataDir, 'keys', 'nats-trust.json');
  const kept = readSealed(keyring, path, TrustFile) ?? readJson(plainFile, TrustFile);
  const trust = kept ?? createTrust();
  if (!existsSync(path)) writeSealedJson(keyring, path, trust);
  removeFile(plainFile); // of an earlier version, which kept it readable
  return trust;
}

function storeKeyOf(dataDir: string, keyring: Keyring, path: string): string {
  const kept = readSealed(keyring, path, StoreKeyFile);
  if (kept !== undefined) return kept.key;
  const store = join(dataDir, 'nats', 'js');
  if (isEncrypted(store)) {
    // With a new key the broker would start as if it had never stored anything.
    throw new LaunchError(
      'data_dir_unusable',
      `The broker's files in ${store} are encrypted, and their key ${path} is gone.`,
      'Restore it from a backup, or move the folder away to begin with an empty store.',
    );
  }
  const key = `k${randomBytes(32).toString('hex')}`;
  writeSealedJson(keyring, path, { key });
  return key;
}

/** An encrypted stream or consumer has its own key, wrapped, beside its files. */
function isEncrypted(store: string): boolean {
  return (
    existsSync(store) &&
    readdirSync(store, { recursive: true, encoding: 'utf8' }).some((path) =>
      path.endsWith('meta.key'),
    )
  );
}

function readSealed<S extends TSchema>(
  keyring: Keyring,
  path: string,
  schema: S,
): Static<S> | undefined {
  const value = readSealedJson(keyring, path);
  if (value === undefined) return undefined;
  const parsed = parse(schema, value);
  if (parsed.ok) return parsed.value;
  throw new LaunchError(
    'data_dir_unusable',
    `${path} does not hold what it should.`,
    'Restore the file from a backup, or move the data folder away to begin anew.',
  );
}
