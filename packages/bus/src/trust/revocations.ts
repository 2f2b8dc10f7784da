/** An account's claims with other revocations: everything else of them stays as it is. */
import { BusError } from '../errors.ts';
import { decodeJwt, signClaims } from './jwt.ts';
import { nkeyKind } from './nkeys.ts';

export interface RevocationChange {
  /** The claims in force. */
  jwt: string;
  /** An operator's seed (identity or signing key). */
  signerSeed: string;
  /** User public key (or `*`) → Unix seconds: what was issued up to then is refused. */
  revocations: Readonly<Record<string, number>>;
  /** Keys that need no revocation any more. */
  forget: readonly string[];
  /** Unix seconds; later than that of every version before. */
  issuedAt: number;
}

/**
 * The account's JWT anew. Revocations it has already and that are not `forget`ed stay: an administrator of
 * the broker may have made them; of two times for one key the later holds.
 * @throws {BusError} OPMAS_INVALID_FORMAT when `jwt` is no account's
 */
export function withRevocations(change: RevocationChange): string {
  const claims = decodeJwt(change.jwt);
  if (nkeyKind(claims.sub) !== 'account') {
    throw new BusError('OPMAS_INVALID_FORMAT', `${claims.sub} is not an account`);
  }
  const merged = revocationsOf(claims.nats);
  for (const key of change.forget) merged.delete(key);
  for (const [key, limit] of Object.entries(change.revocations)) {
    merged.set(key, Math.max(limit, merged.get(key) ?? 0));
  }
  const { revocations: _, ...nats } = claims.nats;
  return signClaims(
    change.signerSeed,
    claims.sub,
    { name: claims.name, issuedAt: change.issuedAt },
    merged.size === 0 ? nats : { ...nats, revocations: Object.fromEntries(merged) },
  );
}

function revocationsOf(nats: Record<string, unknown>): Map<string, number> {
  const given = nats['revocations'];
  const merged = new Map<string, number>();
  if (typeof given !== 'object' || given === null) return merged;
  for (const [key, limit] of Object.entries(given)) {
    if (typeof limit === 'number') merged.set(key, limit);
  }
  return merged;
}
