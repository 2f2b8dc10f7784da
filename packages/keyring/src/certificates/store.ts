/** The certificates of a data folder, `<data>/keys/tls/`: one authority, and what it has signed. */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Keyring } from '../master-key.ts';
import { writePrivate } from '../private-file.ts';
import { issueCertificate, type Pair, type Usage } from './authority.ts';
import { type AuthorityFiles, authorityFiles, readBounded } from './authority-files.ts';
import {
  type CertificateInfo,
  describeCertificate,
  isDue,
  parseCertificate,
  requireMatchingKey,
} from './describe.ts';
import { CertificateError } from './errors.ts';
import { withFolderLock } from './folder-lock.ts';
import { certificateLimits } from './limits.ts';
import { isFileName, type Names, namesOf } from './names.ts';

export interface StoreOptions {
  dataDir: string;
  /** Asked for only when the authority's key is needed. */
  keyring: () => Keyring;
  /** Milliseconds, UTC. */
  now?: () => number;
}

/** What `ensure` and `issue` are asked for. */
export interface Wanted {
  /** Host names and addresses. */
  hosts: readonly string[];
  usage: readonly Usage[];
  days?: number;
}

export interface Listed extends CertificateInfo {
  /** Of the files `<name>.crt` and `<name>.key`; `ca` for an authority. */
  name: string;
  state: 'valid' | 'due' | 'expired' | 'untrusted';
}

export interface IssuedFiles {
  cert: string;
  key: string;
}

/** Certificates are public; keys are 0600, and the authority's is sealed besides. */
export class CertificateStore {
  readonly folder: string;
  readonly #authority: AuthorityFiles;
  readonly #now: () => number;

  constructor({ dataDir, keyring, now = Date.now }: StoreOptions) {
    this.folder = join(dataDir, 'keys', 'tls');
    this.#now = now;
    this.#authority = authorityFiles(this.folder, keyring, now);
  }

  /** The file clients are given: every authority that is trusted. */
  get bundlePath(): string {
    return this.#authority.bundlePath;
  }

  pathsOf(name: string): IssuedFiles {
    return { cert: join(this.folder, `${name}.crt`), key: join(this.folder, `${name}.key`) };
  }

  /** Makes the authority unless there is one; true when it was made now. */
  init(): Promise<boolean> {
    return this.#alone(async () => {
      if (this.#authority.current() !== undefined) return false;
      await this.#authority.renew({ keep: true });
      return true;
    });
  }

  /** Signs a certificate, replacing one of the same name. @throws {CertificateError} no_authority, bad_name, bad_days */
  issue(name: string, wanted: Wanted): Promise<CertificateInfo> {
    return this.#alone(() => this.#issue(name, namesOf(wanted.hosts), wanted));
  }

  /** Issues unless there is one that does: names covered, trusted, not due. True when it was issued now. */
  ensure(name: string, wanted: Wanted): Promise<boolean> {
    const names = namesOf(wanted.hosts);
    return this.#alone(async () => {
      if (this.#serves(name, names, wanted.usage)) return false;
      await this.#issue(name, names, wanted);
      return true;
    });
  }

  /**
   * Renews every certificate under the authority that signs now, each with a new key. `ca: 'overlap'`
   * makes a new authority first and renews nothing: clients learn it from `ca.crt` until the next
   * renewal. `ca: 'replace'` distrusts those before it at once. Returns the names renewed.
   */
  rotate({ ca }: { ca?: 'overlap' | 'replace' } = {}): Promise<string[]> {
    return this.#alone(async () => {
      this.#requireAuthority();
      if (ca !== undefined) await this.#authority.renew({ keep: ca === 'overlap' });
      if (ca === 'overlap') return [];
      const names = this.#names();
      for (const name of names) await this.#renew(name);
      return names;
    });
  }

  /** The authorities first, then by name. */
  list(): Listed[] {
    const authorities = this.#authority.trusted().map((pem) => this.#listed('ca', pem));
    const leaves = this.#names().map((name) =>
      this.#listed(name, readBounded(this.pathsOf(name).cert) ?? ''),
    );
    return [...authorities, ...leaves];
  }

  async #issue(
    name: string,
    names: Names,
    { usage, days }: Pick<Wanted, 'usage' | 'days'>,
  ): Promise<CertificateInfo> {
    if (!isFileName(name)) {
      throw new CertificateError(
        'bad_name',
        `${JSON.stringify(name)} cannot name a certificate.`,
        'Use 1 to 64 of A-Z a-z 0-9 . _ - (not ca).',
      );
    }
    if (!this.#names().includes(name) && this.#names().length >= certificateLimits.listed) {
      throw new CertificateError(
        'bad_name',
        `${this.folder} holds ${certificateLimits.listed} certificates already.`,
        'Remove those that are no longer used.',
      );
    }
    const request = { name, names, usage, ...(days === undefined ? {} : { days }) };
    const made = await issueCertificate(this.#requireAuthority(), request, this.#now());
    const { cert, key } = this.pathsOf(name);
    // A reader between the two finds a pair that does not match, and looks again.
    writePrivate(key, made.key);
    writePrivate(cert, made.certificate);
    return describeCertificate(new X509Certificate(made.certificate));
  }

  /** As it was, with a new key. */
  async #renew(name: string): Promise<void> {
    const { cert } = this.pathsOf(name);
    const old = parseCertificate(readBounded(cert) ?? '', cert);
    const { dns, ips, usage } = describeCertificate(old);
    const life = old.validToDate.getTime() - old.validFromDate.getTime();
    const days = Math.round((life - certificateLimits.backdateMs) / certificateLimits.dayMs);
    const bounded = Math.min(Math.max(days, 1), certificateLimits.leafDaysMax);
    await this.#issue(name, { dns, ips }, { usage, days: bounded });
  }

  #serves(name: string, names: Names, usage: readonly Usage[]): boolean {
    const { cert, key } = this.pathsOf(name);
    const [certText, keyText] = [readBounded(cert), readBounded(key)];
    if (certText === undefined || keyText === undefined) return false;
    try {
      const certificate = parseCertificate(certText, cert);
      requireMatchingKey(certificate, keyText, key);
      const has = describeCertificate(certificate);
      return (
        names.dns.every((one) => has.dns.includes(one)) &&
        names.ips.every((one) => has.ips.includes(one)) &&
        usage.every((one) => has.usage.includes(one)) &&
        this.#signedByTrusted(certificate) &&
        !isDue(certificate, this.#now())
      );
    } catch (error) {
      if (error instanceof CertificateError) return false;
      throw error;
    }
  }

  #signedByTrusted(certificate: X509Certificate): boolean {
    return this.#authority.trusted().some((pem) => {
      const authority = new X509Certificate(pem);
      return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
    });
  }

  #listed(name: string, pem: string): Listed {
    const certificate = parseCertificate(pem, this.pathsOf(name).cert);
    const ended = certificate.validToDate.getTime() <= this.#now();
    const due = !certificate.ca && isDue(certificate, this.#now());
    const trusted = certificate.ca || this.#signedByTrusted(certificate);
    const state = ended ? 'expired' : trusted ? (due ? 'due' : 'valid') : 'untrusted';
    return { name, state, ...describeCertificate(certificate) };
  }

  #names(): string[] {
    if (!existsSync(this.folder)) return [];
    return readdirSync(this.folder)
      .filter((file) => file.endsWith('.crt'))
      .map((file) => file.slice(0, -'.crt'.length))
      .filter(isFileName)
      .sort((a, b) => a.localeCompare(b))
      .slice(0, certificateLimits.listed);
  }

  #requireAuthority(): Pair {
    const authority = this.#authority.current();
    if (authority !== undefined) return authority;
    throw new CertificateError(
      'no_authority',
      `There is no authority in ${this.folder}.`,
      'Make one: `opmas certs init`.',
    );
  }

  async #alone<T>(run: () => Promise<T>): Promise<T> {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    return await withFolderLock(join(this.folder, '.lock'), run);
  }
}
