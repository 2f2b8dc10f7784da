/** The creds file: a user's JWT and seed in the form every NATS client reads. */
import { BusError } from '../errors.ts';
import { nkeyKind } from './nkeys.ts';

/** What a client needs to prove who it is. */
export interface Credentials {
  jwt: string;
  seed: string;
}

/** The text of a creds file. Keep it 0600. */
export function credsFile(credentials: Credentials): string {
  return `-----BEGIN NATS USER JWT-----
${credentials.jwt}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.
NKEYs are sensitive and should be treated as secrets.

-----BEGIN USER NKEY SEED-----
${credentials.seed}
------END USER NKEY SEED------

*************************************************************
`;
}

/** Reads a creds file. @throws {BusError} OPMAS_INVALID_FORMAT, saying which part is missing. */
export function parseCreds(text: string): Credentials {
  const jwt = section(text, 'NATS USER JWT');
  const seed = section(text, 'USER NKEY SEED');
  if (nkeyKind(seed) !== 'user' || !seed.startsWith('SU')) {
    throw new BusError('OPMAS_INVALID_FORMAT', 'the creds file holds no user nkey seed (SU…)');
  }
  return { jwt, seed };
}

function section(text: string, title: string): string {
  const match = new RegExp(
    `-{3,}BEGIN ${title}-{3,}\\s+([^\\s-][^\\s]*)\\s+-{3,}END ${title}-{3,}`,
  ).exec(text);
  if (match?.[1] === undefined) {
    throw new BusError('OPMAS_INVALID_FORMAT', `the creds file has no section "${title}"`);
  }
  return match[1];
}
