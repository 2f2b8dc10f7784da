/** Identifiers and secrets: where randomness comes from. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';

export interface Ids {
  uuid(): string;
  /** 256 random bits, base64url: tokens. */
  secret(): string;
}

export const systemIds: Ids = {
  uuid: () => randomUUID(),
  secret: () => randomBytes(32).toString('base64url'),
};

/** How a secret is stored: only its SHA-256, hex. Enough, because the secret itself has 256 bits. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
