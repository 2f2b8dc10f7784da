/** What every TLS listener of OPMAS offers: TLS 1.2 and 1.3, forward secrecy, authenticated ciphers alone. */
import type { SecureContextOptions } from 'node:tls';

/** Strongest first; the server's order counts. TLS 1.3 suites come with the library's own order. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

export interface TlsMaterial {
  /** PEM, the leaf first. */
  cert: string;
  key: string;
  /** PEM of the authorities that sign certificates of clients. */
  ca?: string | undefined;
}

export function serverTls({ cert, key, ca }: TlsMaterial): SecureContextOptions {
  return {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    honorCipherOrder: true,
    ecdhCurve: 'X25519:P-256:P-384',
    sessionTimeout: 3_600,
  };
}
