/** The master key of a data folder, for who starts on it before any other part of OPMAS. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Keyring, openKeyring } from './master-key.ts';
import { SEALED_ENDING } from './sealed-file.ts';

/**
 * Made when nothing shows that there was one: no sealed file, and no checkpoint of the audit log, whose seals
 * are made with keys that the database holds sealed. Otherwise a missing master key is lost, not new.
 * @throws {KeyringError} OPMAS_MASTER_KEY_UNUSABLE
 */
export function dataKeyring(dataDir: string, masterKeyFile?: string): Keyring {
  const keys = join(dataDir, 'keys');
  const wasThere =
    [keys, join(keys, 'tls')].some(holdsSealed) ||
    existsSync(join(dataDir, 'audit', 'checkpoints.ndjson'));
  return openKeyring(masterKeyFile ?? join(keys, 'master.key'), { make: !wasThere });
}

function holdsSealed(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((file) => file.endsWith(SEALED_ENDING));
}
