/** The certificate a listener uses, read anew when its files change; a bad file never replaces a good one. */
import { statSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { errnoOf } from '../errors.ts';
import { readBounded } from './authority-files.ts';
import {
  type CertificateInfo,
  describeCertificate,
  parseCertificate,
  requireMatchingKey,
  splitPem,
} from './describe.ts';
import { CertificateError } from './errors.ts';
import { certificateLimits } from './limits.ts';
import { serverTls } from './server-tls.ts';

export interface TlsPaths {
  cert: string;
  key: string;
  /** Authorities of clients. */
  ca?: string | undefined;
}

export interface TlsFilesOptions {
  /** What is used now could not be replaced by what the files hold; told once for each state of the files. */
  onFault: (error: Error) => void;
  now?: () => number;
  pollMs?: number;
}

export interface TlsFiles {
  /** For `createServer` and `setSecureContext`. */
  context(): SecureContextOptions;
  certificate(): CertificateInfo;
  /** Called after each change, with what is in force then. Returns the way out. */
  follow(listener: (context: SecureContextOptions, info: CertificateInfo) => void): () => void;
  /** Looks now. The timer does so by itself. */
  look(): void;
  stop(): void;
}

interface Loaded {
  context: SecureContextOptions;
  info: CertificateInfo;
}

/**
 * Polls: links that are exchanged, and files on network folders, tell no watcher.
 * @throws {CertificateError} when the files cannot be used at the start
 */
export function openTlsFiles(paths: TlsPaths, options: TlsFilesOptions): TlsFiles {
  const { onFault, now = Date.now, pollMs = certificateLimits.pollMs } = options;
  const listeners = new Set<(context: SecureContextOptions, info: CertificateInfo) => void>();
  let seen = stampOf(paths);
  let current = load(paths, now());
  let pending: { stamp: string; looks: number; told: boolean } | undefined;

  const look = () => {
    const stamp = stampOf(paths);
    if (stamp === seen) {
      pending = undefined;
      return;
    }
    try {
      current = load(paths, now());
    } catch (error) {
      pending = pending?.stamp === stamp ? pending : { stamp, looks: 0, told: false };
      pending.looks += 1;
      // Two files are not exchanged at one moment: a fault counts when it lasts.
      if (pending.looks < 2 || pending.told) return;
      pending.told = true;
      onFault(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    seen = stamp;
    pending = undefined;
    for (const listener of listeners) listener(current.context, current.info);
  };
  const timer = setInterval(look, pollMs);
  timer.unref();
  return {
    context: () => current.context,
    certificate: () => current.info,
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    look,
    stop: () => clearInterval(timer),
  };
}

/** Reads and judges a pair. @throws {CertificateError} bad_file, key_mismatch, expired */
export function readTlsFiles(paths: TlsPaths, now = Date.now()): CertificateInfo {
  return load(paths, now).info;
}

function load({ cert, key, ca }: TlsPaths, now: number): Loaded {
  const certText = required(cert);
  const keyText = required(key);
  const caText = ca === undefined ? undefined : required(ca);
  const leaf = parseCertificate(splitPem(certText)[0] ?? '', cert);
  requireMatchingKey(leaf, keyText, key);
  const info = describeCertificate(leaf);
  if (leaf.validToDate.getTime() <= now) {
    throw new CertificateError(
      'expired',
      `The certificate in ${cert} ended on ${info.not_after}.`,
      'Put a renewed one in its place.',
    );
  }
  if (ca !== undefined) parseCertificate(splitPem(caText ?? '')[0] ?? '', ca);
  const context = serverTls({ cert: certText, key: keyText, ca: caText });
  try {
    createSecureContext(context);
  } catch (cause) {
    throw new CertificateError(
      'bad_file',
      `The TLS library does not take ${cert} and ${key}: ${cause instanceof Error ? cause.message : String(cause)}.`,
      'They must be PEM files of a certificate (with its chain) and its key.',
      { cause },
    );
  }
  return { context, info };
}

function required(path: string): string {
  const text = readBounded(path);
  if (text !== undefined) return text;
  throw new CertificateError('bad_file', `${path} does not exist.`, 'Name a PEM file.');
}

/** Changes whenever one of the files is replaced or written. */
function stampOf({ cert, key, ca }: TlsPaths): string {
  return [cert, key, ...(ca === undefined ? [] : [ca])]
    .map((path) => {
      try {
        const { ino, size, mtimeNs } = statSync(path, { bigint: true });
        return `${ino}/${size}/${mtimeNs}`;
      } catch (error) {
        return errnoOf(error) ?? 'gone'; // reading it says what is wrong
      }
    })
    .join(' ');
}
