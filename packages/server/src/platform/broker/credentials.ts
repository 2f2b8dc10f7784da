/** Signs agents' broker credentials with the account's key. */
import {
  agentPermissions,
  createNkey,
  encodeUserJwt,
  publicKeyOf,
  verifySignature,
} from '@opmas/bus';
import type { CredentialsIssuer } from '../../features/credentials/index.ts';
import type { Clock } from '../../kernel/clock.ts';

export function credentialsIssuer(options: {
  url: string;
  /** Seed of the account, or of a signing key of it; undefined: an external broker without it. */
  accountSeed: string | undefined;
  account: string | undefined;
  clock: Clock;
}): CredentialsIssuer {
  const { url, accountSeed, account, clock } = options;
  const signerIsAccount = accountSeed !== undefined && account === publicKeyOf(accountSeed);
  return {
    issue: (agent, { publicKey, seconds, after }) => {
      const now = Math.floor(clock.now() / 1_000);
      if (accountSeed === undefined) return { url, credentials: null, publicKey, issuedAt: now };
      const made = publicKey === undefined ? createNkey('user') : undefined;
      const key = publicKey ?? made?.public_key ?? '';
      const issuedAt = Math.max(now, after + 1);
      const jwt = encodeUserJwt({
        name: agent.name,
        publicKey: key,
        signerSeed: accountSeed,
        ...(account === undefined || signerIsAccount ? {} : { issuerAccount: account }),
        permissions: agentPermissions({
          agentName: agent.name,
          topics: agent.topics,
          findingsTopic: agent.findingsTopic,
        }),
        issuedAt,
        expiresAt: now + seconds,
      });
      return {
        url,
        credentials: made === undefined ? { jwt } : { jwt, seed: made.seed },
        publicKey: key,
        issuedAt,
      };
    },
    verify: (publicKey, text, signature) => {
      const bytes = Buffer.from(signature, 'base64url');
      return bytes.length === 64 && verifySignature(publicKey, Buffer.from(text), bytes);
    },
  };
}
