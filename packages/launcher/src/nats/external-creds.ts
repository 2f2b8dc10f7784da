/** Users of our own parts on an external broker, signed with the account seed the operator gave us. */
import {
  apiPrefixIn,
  createNkey,
  credsFile,
  encodeUserJwt,
  nkeyKind,
  publicKeyOf,
} from '@opmas/bus';
import { LaunchError } from '../errors.ts';
import { type CredsFiles, writeCreds } from './embedded-nats.ts';

export interface ExternalAccount {
  dataDir: string;
  hostId: string;
  /** SA… seed of the account or of a signing key of it. */
  accountSeed: string;
  /** A… of the account; needed when the seed is a signing key. */
  account: string | undefined;
  /** Where the account reaches JetStream's API; undefined: under its usual name. */
  apiPrefix: string | undefined;
}

/** @throws {LaunchError} nats_failed when the seed or key is none */
export function externalCreds({
  dataDir,
  hostId,
  accountSeed,
  account,
  apiPrefix,
}: ExternalAccount): CredsFiles {
  if (nkeyKind(accountSeed) !== 'account' || !accountSeed.startsWith('SA')) {
    throw bad('OPMAS_NATS_ACCOUNT_SEED is not the seed of an account (SA…).');
  }
  if (account !== undefined && (nkeyKind(account) !== 'account' || !account.startsWith('A'))) {
    throw bad('OPMAS_NATS_ACCOUNT is not the public key of an account (A…).');
  }
  if (apiPrefix !== undefined && apiPrefixIn([`${apiPrefix}.INFO`]) !== apiPrefix) {
    throw bad('OPMAS_NATS_API_PREFIX is not OPMAS_API. and 32 hexadecimal digits.');
  }
  const signer = publicKeyOf(accountSeed);
  const issuedAt = Math.floor(Date.now() / 1000);
  return writeCreds(
    dataDir,
    { hostId, ...(apiPrefix === undefined ? {} : { api: apiPrefix }) },
    (name, permissions) => {
      const key = createNkey('user');
      const jwt = encodeUserJwt({
        name,
        publicKey: key.public_key,
        signerSeed: accountSeed,
        permissions,
        issuedAt,
        ...(account === undefined || account === signer ? {} : { issuerAccount: account }),
      });
      return credsFile({ jwt, seed: key.seed });
    },
  );
}

function bad(message: string): LaunchError {
  return new LaunchError(
    'nats_failed',
    message,
    'Correct it, or unset it to share one credential.',
  );
}
