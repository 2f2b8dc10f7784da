/** What this feature asks of the broker: user JWTs with exactly an agent's permissions, and their end. */
import type { NatsAccess } from '@opmas/protocol';

export interface Issued extends NatsAccess {
  publicKey: string | undefined;
  /** Unix seconds, as the broker compares them with revocations. */
  issuedAt: number;
}

export interface CredentialsIssuer {
  /**
   * Access for `agent`, valid for `seconds`. With `publicKey` the agent keeps its key; without, a seed
   * is made. What was issued up to `after` (Unix seconds) is revoked: this is issued later than that.
   * `credentials` is null when the broker's account is not ours to sign for.
   */
  issue(
    agent: { name: string; topics: readonly string[]; findingsTopic: string },
    options: { publicKey: string | undefined; seconds: number; after: number },
  ): Issued;
  /** Did the holder of `publicKey` sign `text`? `signature` in base64url. */
  verify(publicKey: string, text: string, signature: string): boolean;
}

export interface AccountClaims {
  /** User public key (or `*`) → Unix seconds: what was issued up to then is refused. */
  revocations: Readonly<Record<string, number>>;
  /** Keys whose revocation matters no longer. */
  forget: readonly string[];
  issuedAt: number;
}

/** The broker's account that all of OPMAS lives in, as far as we may change it. */
export interface BrokerAccount {
  /** Public key (A…). */
  readonly id: string;
  /**
   * Replaces the account's revocations on the broker, and keeps the claims for its next start. Whoever is
   * revoked is thrown off before this returns. There must be one caller at a time, with growing `issuedAt`:
   * the broker takes older claims too, and would forget a revocation.
   */
  publish(claims: AccountClaims): Promise<void>;
}
