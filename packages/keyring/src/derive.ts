/** Keys for one purpose each, out of one secret: who learns one of them learns no other. */
import { hkdfSync } from 'node:crypto';

/** 32 bytes by HKDF-SHA-256 (RFC 5869); `purpose` is its info field, such as `opmas seal v1`. */
export function deriveKey(secret: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', purpose, 32));
}
