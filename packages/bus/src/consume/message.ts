/** A message of a durable consumer, with its settling: ack, nak, working, term. */
import type { Bus, BusMessage } from '../connection/bus.ts';

export interface JsMessage {
  subject: string;
  data: Uint8Array;
  header(name: string): string | undefined;
  /** Position in the stream. */
  seq: number;
  /** 1 the first time, more when redelivered. */
  deliveries: number;
  /** Messages still to come for this consumer, when this one was sent. */
  pending: number;
  /** When the broker stored it, milliseconds since 1970. */
  storedAt: number;
  msgId: string | undefined;
  /** Was one of ack, nak or term called? */
  settled(): boolean;
  /** Done. False when the connection is down: the broker will send the message again. */
  ack(): boolean;
  /** Not done: send it again, after `delayMs`. */
  nak(delayMs?: number): boolean;
  /** Still at it: starts the acknowledgement's time anew. */
  working(): boolean;
  /** Never send it again. */
  term(): boolean;
}

interface Position {
  deliveries: number;
  seq: number;
  storedAt: number;
  pending: number;
}

/** Reads `$JS.ACK.…`: nine tokens, or more with a domain and an account in front (newer brokers). */
export function readAckSubject(reply: string): Position | undefined {
  const tokens = reply.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK') return undefined;
  const from = tokens.length === 9 ? 4 : tokens.length >= 11 ? 6 : -1;
  if (from < 0) return undefined;
  const [deliveries, seq, , stored, pending] = tokens.slice(from).map(Number);
  if (
    deliveries === undefined ||
    seq === undefined ||
    stored === undefined ||
    pending === undefined
  )
    return undefined;
  if (![deliveries, seq, stored, pending].every(Number.isFinite)) return undefined;
  return { deliveries, seq, storedAt: stored / 1e6, pending };
}

/** Undefined when `message` did not come from a consumer. */
export function toJsMessage(bus: Bus, message: BusMessage): JsMessage | undefined {
  const { reply } = message;
  const position = reply === undefined ? undefined : readAckSubject(reply);
  if (reply === undefined || position === undefined) return undefined;
  let settled = false;
  const settle = (text: string) => {
    if (settled) return false;
    settled = true;
    return bus.publish(reply, text);
  };
  return {
    ...position,
    subject: message.subject,
    data: message.data,
    header: (name) => message.header(name),
    msgId: message.header('Nats-Msg-Id'),
    settled: () => settled,
    ack: () => settle('+ACK'),
    nak: (delayMs) =>
      settle(delayMs === undefined ? '-NAK' : `-NAK {"delay": ${Math.round(delayMs * 1e6)}}`),
    working: () => !settled && bus.publish(reply, '+WPI'),
    term: () => settle('+TERM'),
  };
}
