/** The broker's answer to a JetStream publish, read without trust. */
import type { BusMessage } from '../connection/bus.ts';
import { BusError, fromApiError } from '../errors.ts';

/** `duplicate`: the broker already had this message id; `seq` is then the first one's. */
export interface PubAck {
  stream: string;
  seq: number;
  duplicate: boolean;
}

/** @throws {BusError} OPMAS_BROKER_UNAVAILABLE (try again) or OPMAS_INVALID_REQUEST (do not). */
export function readPubAck(subject: string, message: BusMessage): PubAck {
  const what = `publishing to ${subject}`;
  if (message.status === 503)
    throw new BusError('OPMAS_BROKER_UNAVAILABLE', `${what}: no stream takes it yet`);
  let body: unknown;
  try {
    body = message.json();
  } catch (error) {
    throw new BusError('OPMAS_BROKER_UNAVAILABLE', `${what}: the acknowledgement is not JSON`, {
      cause: error,
    });
  }
  const field = (from: unknown, key: string): unknown =>
    typeof from === 'object' && from !== null ? Reflect.get(from, key) : undefined;
  const error = field(body, 'error');
  if (error !== undefined) {
    const code = field(error, 'code');
    throw fromApiError(
      what,
      typeof code === 'number' ? code : 500,
      String(field(error, 'description')),
    );
  }
  const stream = field(body, 'stream');
  const seq = field(body, 'seq');
  if (typeof stream !== 'string' || typeof seq !== 'number') {
    throw new BusError('OPMAS_BROKER_UNAVAILABLE', `${what}: this is no acknowledgement`);
  }
  return { stream, seq, duplicate: field(body, 'duplicate') === true };
}
