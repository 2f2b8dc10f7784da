/** The names a certificate stands for, checked before they are signed. */
import { isIP } from 'node:net';
import { CertificateError } from './errors.ts';
import { certificateLimits } from './limits.ts';

/** Host names and addresses, each once, as they go into the certificate. */
export interface Names {
  dns: readonly string[];
  ips: readonly string[];
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Sorts hosts into names and addresses. @throws {CertificateError} bad_name */
export function namesOf(hosts: readonly string[]): Names {
  const all = [...new Set(hosts.map((host) => host.trim().toLowerCase()))];
  const ips = all.filter((host) => isIP(host) !== 0);
  const dns = all.filter((host) => isIP(host) === 0);
  for (const name of dns) if (!isDnsName(name)) throw badName(name);
  if (all.length > certificateLimits.names) {
    throw new CertificateError(
      'bad_name',
      `A certificate takes at most ${certificateLimits.names} names, not ${all.length}.`,
      'Issue several certificates.',
    );
  }
  return { dns, ips };
}

/** `router`, `opmas.example.com`, `*.example.com`. */
export function isDnsName(name: string): boolean {
  if (name.length === 0 || name.length > 253) return false;
  const labels = name.startsWith('*.') ? name.slice(2).split('.') : name.split('.');
  return labels.every((label) => LABEL.test(label));
}

/** A certificate's name is a file's name too: nothing that leaves the folder, nothing that is `ca`. */
export function isFileName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) && !name.includes('..') && name !== 'ca';
}

function badName(name: string): CertificateError {
  return new CertificateError(
    'bad_name',
    `${JSON.stringify(name)} is neither a host name nor an address.`,
    'Say it as opmas.example.com, 192.0.2.10 or 2001:db8::10.',
  );
}
