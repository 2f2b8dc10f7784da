/** Keeps the broker's keys: whoever has this file is the operator. */
import { join } from 'node:path';
import { createTrust, type Trust } from '@opmas/bus';
import { Type } from '@opmas/protocol';
import { readJson, writeJson } from '../data/files.ts';

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

/** The keys of this data folder, made on the first call and kept mode 0600. */
export function trustOf(dataDir: string): Trust {
  const path = join(dataDir, 'keys', 'nats-trust.json');
  const kept = readJson(path, TrustFile);
  if (kept !== undefined) return kept;
  const made = createTrust();
  writeJson(path, made);
  return made;
}
