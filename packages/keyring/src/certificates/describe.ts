/** What a certificate says of itself, for lists, for decisions to renew, and for the API. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Usage } from './authority.ts';
import { CertificateError } from './errors.ts';
import { certificateLimits } from './limits.ts';

export interface CertificateInfo {
  subject: string;
  issuer: string;
  /** Host names and addresses it stands for. */
  dns: string[];
  ips: string[];
  usage: Usage[];
  authority: boolean;
  /** RFC 3339. */
  not_before: string;
  not_after: string;
  serial: string;
  /** SHA-256 of the certificate, as browsers show it. */
  fingerprint: string;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
const USAGE_OIDS: Readonly<Record<string, Usage>> = {
  '1.3.6.1.5.5.7.3.1': 'server',
  '1.3.6.1.5.5.7.3.2': 'client',
};

/** The certificates of a PEM file, in order; PEM each. */
export function splitPem(text: string): string[] {
  return (text.match(BLOCK) ?? []).map((block) => `${block}\n`);
}

/** @throws {CertificateError} bad_file when the text is no certificate; `where` names it */
export function parseCertificate(pem: string, where: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new CertificateError(
      'bad_file',
      `${where} holds no certificate.`,
      'It must be a PEM file that begins with -----BEGIN CERTIFICATE-----.',
      { cause },
    );
  }
}

export function describeCertificate(certificate: X509Certificate): CertificateInfo {
  const { dns, ips } = alternativeNames(certificate.subjectAltName ?? '');
  const oids: readonly string[] = certificate.keyUsage ?? [];
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    dns,
    ips,
    usage: oids.flatMap((oid) => USAGE_OIDS[oid] ?? []),
    authority: certificate.ca,
    not_before: certificate.validFromDate.toISOString(),
    not_after: certificate.validToDate.toISOString(),
    serial: certificate.serialNumber.toLowerCase(),
    fingerprint: certificate.fingerprint256,
  };
}

/** @throws {CertificateError} bad_file, key_mismatch */
export function requireMatchingKey(certificate: X509Certificate, key: string, where: string): void {
  let matches: boolean;
  try {
    matches = certificate.checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new CertificateError(
      'bad_file',
      `${where} holds no private key that can be read.`,
      'It must be a PEM file without a passphrase.',
      { cause },
    );
  }
  if (matches) return;
  throw new CertificateError(
    'key_mismatch',
    `The key in ${where} is not the key of the certificate ${oneLine(certificate.subject)}.`,
    'Put the files of one pair together.',
  );
}

/** Would a client that called it `host` accept the certificate? */
export function standsFor({ dns, ips }: CertificateInfo, host: string): boolean {
  if (isIP(host) !== 0) return ips.includes(shortAddress(host));
  const name = host.toLowerCase();
  const wildcard = `*.${name.split('.').slice(1).join('.')}`;
  return dns.some((one) => one.toLowerCase() === name || one.toLowerCase() === wildcard);
}

/** Is a third of its life or less left? */
export function isDue(certificate: X509Certificate, now: number): boolean {
  const from = certificate.validFromDate.getTime();
  const to = certificate.validToDate.getTime();
  return to - now < (to - from) * certificateLimits.dueShare;
}

/** Node writes them as `DNS:a, IP Address:1.2.3.4`, and quotes what could be mistaken. */
function alternativeNames(text: string): { dns: string[]; ips: string[] } {
  const parts = text.split(', ');
  const after = (prefix: string) =>
    parts.flatMap((part) => (part.startsWith(prefix) ? [part.slice(prefix.length)] : []));
  return { dns: after('DNS:'), ips: after('IP Address:').map(shortAddress) };
}

/** IPv6 comes as `0:0:0:0:0:0:0:1`; people and settings write `::1`. */
function shortAddress(address: string): string {
  if (!address.includes(':')) return address;
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

function oneLine(name: string): string {
  return name.split('\n').join(', ');
}
