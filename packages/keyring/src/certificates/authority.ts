/** An authority of one's own: made once, signs certificates of servers and clients. P-256 throughout. */
import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  type webcrypto,
} from 'node:crypto';
import { CertificateError } from './errors.ts';
import { certificateLimits } from './limits.ts';
import { isDnsName, type Names } from './names.ts';

/** Certificate and private key (PKCS 8), both PEM. */
export interface Pair {
  certificate: string;
  key: string;
}

export type Usage = 'server' | 'client';

export interface LeafRequest {
  /** Common name: what people read; clients look at the names. */
  name: string;
  names: Names;
  usage: readonly Usage[];
  days?: number;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Large, and needed only where something is signed. */
async function library() {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(globalThis.crypto);
  return x509;
}

/** A self-signed authority that may sign leaves and no other authority. */
export async function createAuthority(now: number, days?: number): Promise<Pair> {
  const x509 = await library();
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pair = { publicKey: publicOf(keys.publicKey), privateKey: signerOf(keys.privateKey) };
  const serial = newSerial();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial,
    name: [{ O: ['OPMAS'] }, { CN: [`OPMAS CA ${serial.slice(0, 8)}`] }],
    notBefore: new Date(now - certificateLimits.backdateMs),
    notAfter: daysFrom(now, days ?? certificateLimits.authorityDays),
    signingAlgorithm: ALGORITHM,
    keys: pair,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(pair.publicKey),
    ],
  });
  return { certificate: lined(certificate.toString('pem')), key: pemOf(keys.privateKey) };
}

/**
 * Signs a certificate with a key of its own. It never outlives its authority.
 * @throws {CertificateError} bad_name, bad_days, expired
 */
export async function issueCertificate(
  authority: Pair,
  request: LeafRequest,
  now: number,
): Promise<Pair> {
  const { days = certificateLimits.leafDays, names, usage } = request;
  check(request, days);
  const x509 = await library();
  const issuer = new x509.X509Certificate(authority.certificate);
  if (issuer.notAfter.getTime() <= now) {
    throw new CertificateError(
      'expired',
      `The authority ${issuer.subject} ended on ${issuer.notAfter.toISOString()}.`,
      'Make another one: `opmas certs rotate --ca`.',
    );
  }
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = publicOf(keys.publicKey);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ O: ['OPMAS'] }, { CN: [request.name] }],
    issuer: issuer.subjectName,
    notBefore: new Date(now - certificateLimits.backdateMs),
    notAfter: new Date(Math.min(daysFrom(now, days).getTime(), issuer.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey,
    signingKey: signerOf(createPrivateKey(authority.key)),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usage.map((one) => x509.ExtendedKeyUsage[USAGES[one]])),
      ...(names.dns.length + names.ips.length === 0
        ? []
        : [
            new x509.SubjectAlternativeNameExtension([
              ...names.dns.map((value) => ({ type: 'dns', value }) as const),
              ...names.ips.map((value) => ({ type: 'ip', value }) as const),
            ]),
          ]),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { certificate: lined(certificate.toString('pem')), key: pemOf(keys.privateKey) };
}

const USAGES = { server: 'serverAuth', client: 'clientAuth' } as const;

function check({ name, names, usage }: LeafRequest, days: number): void {
  const fault = (code: 'bad_name' | 'bad_days', message: string, fix: string) =>
    new CertificateError(code, message, fix);
  const max = certificateLimits.leafDaysMax;
  if (!Number.isInteger(days) || days < 1 || days > max) {
    throw fault('bad_days', `A certificate lasts 1 to ${max} days, not ${days}.`, 'Ask for 90.');
  }
  if (!/^[\x20-\x7e]{1,64}$/.test(name) || usage.length === 0 || !names.dns.every(isDnsName)) {
    throw fault('bad_name', `${JSON.stringify(name)} cannot be certified.`, 'Use a plain name.');
  }
  if (usage.includes('server') && names.dns.length + names.ips.length === 0) {
    throw fault('bad_name', 'A server needs a name or an address.', 'Give --dns or --ip.');
  }
}

function publicOf(key: KeyObject): webcrypto.CryptoKey {
  return key.toCryptoKey(ALGORITHM, true, ['verify']);
}

function signerOf(key: KeyObject): webcrypto.CryptoKey {
  return key.toCryptoKey(ALGORITHM, false, ['sign']);
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** 127 random bits, positive and never shorter. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function daysFrom(now: number, days: number): Date {
  return new Date(now + days * certificateLimits.dayMs);
}

function lined(pem: string): string {
  return `${pem.trimEnd()}\n`;
}
