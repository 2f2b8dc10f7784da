/** Broker credentials of agents: a user JWT for one hour with exactly an agent's permissions. */
import type { NatsAccess } from '@opmas/protocol';

export interface CredentialsIssuer {
  /**
   * Access for `agent`, valid for `seconds`. With `publicKey` the agent keeps its key; without, a seed
   * is made. `credentials` is null when the broker's account is not ours to sign for.
   */
  issue(
    agent: { name: string; topics: readonly string[]; findingsTopic: string },
    options: { publicKey: string | undefined; seconds: number },
  ): NatsAccess & { publicKey: string | undefined };
  /** Did the holder of `publicKey` sign `text`? `signature` in base64url. */
  verify(publicKey: string, text: string, signature: string): boolean;
}
