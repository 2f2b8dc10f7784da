/** Whose certificates a command accepts beside the well-known: a named file's, and those of the local instance. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { errnoOf, messageOf, usageError } from '../errors.ts';
import type { Environment } from '../io.ts';

export interface TrustOptions {
  /** `--ca-file`; else OPMAS_CA_FILE. */
  caFile: string | undefined;
  env: Environment;
  cwd: string;
  dataDir: string;
}

/**
 * For every connection of this process from now on. Whoever may read the data folder has the authority of
 * the OPMAS that runs on it from there; it counts for that instance alone.
 * @throws {CliError} usage, when the named file cannot be used
 */
export function trustAuthorities(url: string, local: boolean, options: TrustOptions): void {
  if (!url.startsWith('https:')) return;
  const { env, cwd, dataDir } = options;
  const named = options.caFile ?? (env['OPMAS_CA_FILE'] || undefined);
  const own = local ? readIfThere(join(dataDir, 'run', 'authorities.crt')) : undefined;
  const more = [named === undefined ? undefined : readNamed(resolve(cwd, named)), own].filter(
    (text) => text !== undefined,
  );
  if (more.length > 0) setDefaultCACertificates([...getCACertificates('default'), ...more]);
}

function readNamed(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it holds no certificate');
    return text;
  } catch (error) {
    throw usageError(
      `The authorities in ${path} cannot be used: ${messageOf(error)}`,
      'Give --ca-file (OPMAS_CA_FILE) a PEM file, such as the ca.crt of the OPMAS you talk to.',
    );
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    // EACCES: another user's instance; this user names the authority.
    if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'EACCES') return undefined;
    throw error;
  }
}
