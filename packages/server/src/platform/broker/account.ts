/** The account's claims on the broker: read, given other revocations, signed by the operator, pushed, kept. */
import { accountJwtOf, type Bus, publicKeyOf, pushAccountJwt, withRevocations } from '@opmas/bus';
import { writePrivate } from '@opmas/keyring';
import type { BrokerAccount } from '../../features/credentials/index.ts';

export interface BrokerAccountOptions {
  /** Public key (A…). */
  account: string;
  /** Seed of the operator, or of a signing key of it. */
  operatorSeed: string;
  /** Connects as a user of the system account; closed after each use. */
  connect: () => Promise<Bus>;
  /** The claims in force, for the broker's next start; 0600. */
  file: string;
}

export function brokerAccount(options: BrokerAccountOptions): BrokerAccount {
  const { account, operatorSeed, connect, file } = options;
  const trustedIssuers = [publicKeyOf(operatorSeed)];
  return {
    id: account,
    publish: async (claims) => {
      const bus = await connect();
      try {
        const jwt = withRevocations({
          jwt: await accountJwtOf(bus, account),
          signerSeed: operatorSeed,
          ...claims,
        });
        await pushAccountJwt(bus, jwt, { trustedIssuers });
        writePrivate(file, `${jwt}\n`);
      } finally {
        await bus.close();
      }
    },
  };
}
