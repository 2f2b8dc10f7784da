/** The authority on disk: its key sealed under the master key, its certificate and those before it in `ca.crt`. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse, Type } from '@opmas/protocol';
import { errnoOf } from '../errors.ts';
import type { Keyring } from '../master-key.ts';
import { writePrivate } from '../private-file.ts';
import { readSealedJson, writeSealedJson } from '../sealed-file.ts';
import { createAuthority, type Pair } from './authority.ts';
import { splitPem } from './describe.ts';
import { CertificateError } from './errors.ts';
import { certificateLimits } from './limits.ts';

const StoredAuthority = Type.Object({
  version: Type.Literal(1),
  certificate: Type.String({ maxLength: 8_192 }),
  key: Type.String({ maxLength: 8_192 }),
});

export interface AuthorityFiles {
  /** Every authority that is trusted, the one that signs first. May be given to anybody. */
  readonly bundlePath: string;
  /** The one that signs; undefined: none was made. @throws {KeyringError} without the master key */
  current(): Pair | undefined;
  /** PEM each, the one that signs first; empty: none was made. */
  trusted(): string[];
  /** Makes one that signs from now on. `keep`: those before it stay trusted. */
  renew(options: { keep: boolean }): Promise<Pair>;
}

export function authorityFiles(
  folder: string,
  keyring: () => Keyring,
  now: () => number,
): AuthorityFiles {
  const bundlePath = join(folder, 'ca.crt');
  const keyPath = join(folder, 'ca.key.sealed');
  const trusted = () => splitPem(readBounded(bundlePath) ?? '');
  const stillValid = (pem: string) => new X509Certificate(pem).validToDate.getTime() > now();

  const current = () => {
    if (!existsSync(keyPath)) return undefined;
    const stored = readSealedJson(keyring(), keyPath);
    const parsed = parse(StoredAuthority, stored);
    if (!parsed.ok) {
      throw new CertificateError(
        'bad_file',
        `${keyPath} does not hold an authority.`,
        'Restore it from a backup, or remove it to make a new authority.',
      );
    }
    const { certificate, key } = parsed.value;
    // The process ended between the two files: the sealed one counts.
    if (!trusted().includes(certificate)) writeBundle([certificate, ...trusted()]);
    return { certificate, key };
  };
  const writeBundle = (all: readonly string[]) => {
    writePrivate(bundlePath, all.slice(0, certificateLimits.authorities).join(''));
  };

  return {
    bundlePath,
    current,
    trusted,
    async renew({ keep }) {
      const before = keep ? trusted().filter(stillValid) : [];
      const made = await createAuthority(now());
      writeSealedJson(keyring(), keyPath, { version: 1, ...made });
      writeBundle([made.certificate, ...before]);
      return made;
    },
  };
}

/** Undefined when there is no such file. @throws {CertificateError} bad_file when it is too large */
export function readBounded(path: string): string | undefined {
  try {
    if (statSync(path).size > certificateLimits.fileBytes) {
      throw new CertificateError('bad_file', `${path} is too large.`, 'Give a PEM file.');
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
