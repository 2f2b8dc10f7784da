/** The account's claims as the server last gave them to the broker: who was revoked stays so in a broker that lost them. */
import { join } from 'node:path';
import { decodeJwt, type Trust, withApiImports } from '@opmas/bus';
import { readText } from '../data/files.ts';

/** Written by the server after each push, 0600. */
export const ACCOUNT_FILE = 'nats-account.jwt';

/** The kept claims, or those of the first start where there are none, or none that the operator signed. */
export function keptAccount(dataDir: string, trust: Trust): string {
  const kept = readText(join(dataDir, 'keys', ACCOUNT_FILE))?.trim();
  const jwt = kept !== undefined && isOurs(kept, trust) ? kept : trust.account.jwt;
  return withApiImports(trust, jwt);
}

/** The broker would take claims of anybody, and then let nobody in. */
function isOurs(jwt: string, trust: Trust): boolean {
  try {
    const { sub, iss } = decodeJwt(jwt);
    return sub === trust.account.identity.public_key && iss === trust.operator_signing.public_key;
  } catch {
    // Damaged: the server pushes the database's state at its start anyway.
    return false;
  }
}
