/** Account JWTs pushed to a running broker: new revocations take effect in milliseconds. */
import type { Bus } from '../connection/bus.ts';
import { BusError } from '../errors.ts';

/**
 * Gives the broker a new version of an account. `systemBus` is connected as the system user. The broker
 * takes an older JWT too and then un-revokes: there must be exactly one writer, building it from the
 * database.
 * @throws {BusError} OPMAS_INVALID_REQUEST when the broker refuses it; as `Bus.request` otherwise.
 */
export async function pushAccountJwt(systemBus: Bus, jwt: string): Promise<void> {
  const answer = await systemBus.request('$SYS.REQ.CLAIMS.UPDATE', jwt);
  const body: unknown = answer.json();
  const at = (from: unknown, key: string): unknown =>
    typeof from === 'object' && from !== null ? Reflect.get(from, key) : undefined;
  if (at(at(body, 'data'), 'code') === 200) return;
  const why = at(at(body, 'error'), 'description') ?? at(at(body, 'data'), 'message');
  throw new BusError(
    'OPMAS_INVALID_REQUEST',
    `the broker refuses the account JWT: ${typeof why === 'string' ? why : answer.text()}`,
  );
}
