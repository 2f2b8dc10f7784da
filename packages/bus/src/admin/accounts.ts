/** Account JWTs read from and pushed to a running broker: new revocations take effect in milliseconds. */
import type { Bus } from '../connection/bus.ts';
import { BusError } from '../errors.ts';
import { decodeJwt } from '../trust/jwt.ts';
import { nkeyKind } from '../trust/nkeys.ts';

/**
 * Gives the broker a new version of an account. `systemBus` is connected as the system user.
 *
 * nats-server 2.9 answers 200 to a JWT of any operator, and from then on refuses everybody of that
 * account; so the issuer is checked here. It takes an older JWT too and then un-revokes: there must be
 * exactly one writer, building it from the database.
 * @param options.trustedIssuers public keys of the broker's operator: `trust.operator_signing.public_key`
 * @throws {BusError} OPMAS_INVALID_FORMAT for what is no JWT; OPMAS_INVALID_REQUEST when it is no
 * account's, not the operator's, or the broker refuses it; as `Bus.request` otherwise.
 */
export async function pushAccountJwt(
  systemBus: Bus,
  jwt: string,
  options: { trustedIssuers: readonly string[] },
): Promise<void> {
  const claims = decodeJwt(jwt);
  const refuse = (why: string) =>
    new BusError('OPMAS_INVALID_REQUEST', `account JWT not pushed: ${why}`);
  if (nkeyKind(claims.sub) !== 'account') throw refuse('it is not an account’s');
  if (!options.trustedIssuers.includes(claims.iss))
    throw refuse(`${claims.iss} is no trusted operator key`);
  const answer = await systemBus.request('$SYS.REQ.CLAIMS.UPDATE', jwt);
  const body: unknown = answer.json();
  const at = (from: unknown, key: string): unknown =>
    typeof from === 'object' && from !== null ? Reflect.get(from, key) : undefined;
  if (at(at(body, 'data'), 'code') === 200) return;
  throw refuse(`the broker says ${answer.text().slice(0, 500)}`);
}

/**
 * The JWT of an account as the broker has it. `systemBus` is connected as a system user.
 * @throws {BusError} OPMAS_NOT_FOUND when the broker does not know the account; as `Bus.request` otherwise
 */
export async function accountJwtOf(systemBus: Bus, account: string): Promise<string> {
  const answer = await systemBus.request(`$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`);
  const jwt = answer.text().trim();
  if (jwt === '' || decodeJwt(jwt).sub !== account) {
    throw new BusError('OPMAS_NOT_FOUND', `the broker does not know the account ${account}`);
  }
  return jwt;
}
