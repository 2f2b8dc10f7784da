/** The keys of an embedded broker: operator, system account, OPMAS account; plain data to keep 0600. */
import { apiImports, apiPrefixOf } from './api-prefix.ts';
import type { Credentials } from './creds.ts';
import {
  decodeJwt,
  encodeAccountJwt,
  encodeOperatorJwt,
  encodeUserJwt,
  type Permissions,
  signClaims,
} from './jwt.ts';
import { createNkey, type Nkey } from './nkeys.ts';

/** Everything here but the public keys and the JWTs is secret. */
export interface Trust {
  version: 1;
  operator: Nkey;
  /** Signs accounts; the operator's own key is used once. */
  operator_signing: Nkey;
  operator_jwt: string;
  system: { account: Nkey; jwt: string; user: Nkey; user_jwt: string };
  /** The account everything of OPMAS lives in; `signing` signs its users. */
  account: { identity: Nkey; signing: Nkey; jwt: string };
}

/** Makes all keys. `now` is milliseconds since 1970. */
export function createTrust(options: { now?: () => number; name?: string } = {}): Trust {
  const { now = Date.now, name = 'opmas' } = options;
  const issuedAt = Math.floor(now() / 1000);
  const operator = createNkey('operator');
  const operatorSigning = createNkey('operator');
  const system = createNkey('account');
  const systemUser = createNkey('user');
  const identity = createNkey('account');
  const signing = createNkey('account');
  const signerSeed = operatorSigning.seed;
  return {
    version: 1,
    operator,
    operator_signing: operatorSigning,
    operator_jwt: encodeOperatorJwt({
      name,
      operatorSeed: operator.seed,
      signingKeys: [operatorSigning.public_key],
      systemAccount: system.public_key,
      issuedAt,
    }),
    system: {
      account: system,
      jwt: encodeAccountJwt({
        name: 'SYS',
        publicKey: system.public_key,
        signerSeed,
        jetstream: false,
        issuedAt,
      }),
      user: systemUser,
      user_jwt: encodeUserJwt({
        name: 'sys',
        publicKey: systemUser.public_key,
        signerSeed: system.seed,
        issuedAt,
      }),
    },
    account: {
      identity,
      signing,
      jwt: encodeAccountJwt({
        name: name.toUpperCase(),
        publicKey: identity.public_key,
        signerSeed,
        signingKeys: [signing.public_key],
        jetstream: true,
        imports: apiImports(system.public_key, apiPrefixOf(identity.seed)),
        issuedAt,
      }),
    },
  };
}

/** Where the OPMAS account reaches JetStream's API: for the permissions of server and hosts alone. */
export function apiPrefix(trust: Trust): string {
  return apiPrefixOf(trust.account.identity.seed);
}

/** Makes a user of the OPMAS account with a key of its own. Times in Unix seconds. */
export function issueUser(
  trust: Trust,
  user: {
    name: string;
    permissions: Permissions;
    issuedAt?: number;
    expiresAt?: number;
    key?: Nkey;
  },
): Credentials & { public_key: string } {
  const key = user.key ?? createNkey('user');
  const jwt = encodeUserJwt({
    name: user.name,
    publicKey: key.public_key,
    signerSeed: trust.account.signing.seed,
    issuerAccount: trust.account.identity.public_key,
    permissions: user.permissions,
    issuedAt: user.issuedAt ?? Math.floor(Date.now() / 1000),
    ...(user.expiresAt === undefined ? {} : { expiresAt: user.expiresAt }),
  });
  return { jwt, seed: key.seed, public_key: key.public_key };
}

/** The system account's user: pushes account JWTs, hears connects and disconnects. */
export function systemCredentials(trust: Trust): Credentials {
  return { jwt: trust.system.user_jwt, seed: trust.system.user.seed };
}

/**
 * The OPMAS account's JWT with the imports that give JetStream's API its name; `jwt` itself when it has them. One of
 * an earlier version has not.
 */
export function withApiImports(trust: Trust, jwt: string, now: () => number = Date.now): string {
  const { nats, name, sub, iat } = decodeJwt(jwt);
  const imports = apiImports(trust.system.account.public_key, apiPrefix(trust));
  if (JSON.stringify(nats['imports']) === JSON.stringify(imports)) return jwt;
  // The broker keeps what was issued last.
  const issuedAt = Math.max(Math.floor(now() / 1000), iat + 1);
  return signClaims(trust.operator_signing.seed, sub, { name, issuedAt }, { ...nats, imports });
}

/** The OPMAS account's JWT anew, with these revocations (user public key or `*` → Unix seconds). */
export function accountJwt(
  trust: Trust,
  revocations: Readonly<Record<string, number>>,
  issuedAt: number,
): string {
  return encodeAccountJwt({
    name: 'OPMAS',
    publicKey: trust.account.identity.public_key,
    signerSeed: trust.operator_signing.seed,
    signingKeys: [trust.account.signing.public_key],
    jetstream: true,
    imports: apiImports(trust.system.account.public_key, apiPrefix(trust)),
    revocations,
    issuedAt,
  });
}
