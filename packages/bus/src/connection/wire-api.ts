/** JetStream's API under the name it has in the account: whoever asks says the usual one. */
import type { NatsConnection } from '@nats-io/transport-node';
import { BusError } from '../errors.ts';
import { apiPrefixIn, underPrefix } from '../trust/api-prefix.ts';
import type { Credentials } from '../trust/creds.ts';
import { decodeJwt } from '../trust/jwt.ts';

/** The name these credentials tell; undefined: the usual one. */
export function apiPrefixOfUser(credentials: Credentials | undefined): string | undefined {
  if (credentials === undefined) return undefined;
  let pub: unknown;
  try {
    pub = decodeJwt(credentials.jwt).nats['pub'];
  } catch (error) {
    // The broker says better than we could what is wrong with credentials.
    if (error instanceof BusError) return undefined;
    throw error;
  }
  const allowed: unknown = typeof pub === 'object' && pub !== null && Reflect.get(pub, 'allow');
  if (!Array.isArray(allowed)) return undefined;
  return apiPrefixIn(allowed.filter((subject) => typeof subject === 'string'));
}

/** Whatever goes out on `wire`, of ours and of the library, goes to where the API is. */
export function throughApiPrefix(wire: NatsConnection, prefix: () => string | undefined): void {
  const { publish, request, requestMany } = wire;
  wire.publish = (subject, ...rest) => publish.call(wire, underPrefix(subject, prefix()), ...rest);
  wire.request = (subject, ...rest) => request.call(wire, underPrefix(subject, prefix()), ...rest);
  wire.requestMany = (subject, ...rest) =>
    requestMany.call(wire, underPrefix(subject, prefix()), ...rest);
}
