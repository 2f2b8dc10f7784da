/** The URL by which this machine's own agents, tools and people reach the server it runs. */
import type { AddressInfo } from 'node:net';
import { CertificateError, type CertificateInfo, standsFor } from '@opmas/keyring/certificates';

export interface OwnUrlOptions {
  /** What the listening socket says. */
  address: AddressInfo | string | null;
  /** What it was told to listen on. */
  host: string;
  publicUrl: string | undefined;
  /** Undefined: plain HTTP. */
  certificate: CertificateInfo | undefined;
}

/**
 * By a name that the certificate stands for: what it listens on, this machine, or its public name.
 * @throws {CertificateError} bad_name when it stands for none of them
 */
export function ownUrl({ address, host, publicUrl, certificate }: OwnUrlOptions): string {
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const listening = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  if (certificate === undefined) return `http://${inUrl(listening)}:${port}`;
  const known = publicUrl === undefined ? [] : [bare(new URL(publicUrl).hostname)];
  const local = listening.startsWith('127.') || listening === '::1' || host !== listening;
  const names = [listening, ...(local ? ['localhost'] : []), ...known];
  const name = names.find((one) => standsFor(certificate, one));
  if (name !== undefined) return `https://${inUrl(name)}:${port}`;
  const has = [...certificate.dns, ...certificate.ips].join(', ') || 'nothing';
  throw new CertificateError(
    'bad_name',
    `The certificate of HTTPS is for ${has}, and OPMAS is reached as ${names.join(', ')}: its own agents could not verify it`,
    'Set OPMAS_PUBLIC_URL to a name in the certificate that leads to this machine.',
  );
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function bare(name: string): string {
  return name.replace(/^\[|\]$/g, '');
}
