/** One message into a stream, sent again with the same id until the broker acknowledges it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, Headers, Payload } from '../connection/bus.ts';
import { BusError, isTransient, toBusError } from '../errors.ts';
import { busLimits } from '../limits.ts';
import { type PubAck, readPubAck } from './pub-ack.ts';

export interface DurableOptions {
  /** The broker drops what it has already seen within the stream's duplicate window. */
  msgId: string;
  headers?: Headers;
  /** One attempt. */
  timeoutMs?: number;
  /** All attempts. */
  retryForMs?: number;
  signal?: AbortSignal;
}

/**
 * Resolves when the message is stored. Survives outages shorter than `retryForMs`.
 * @throws {BusError} OPMAS_TIMEOUT or OPMAS_BROKER_UNAVAILABLE when the time is over (the message may
 * still have been stored); OPMAS_FORBIDDEN, OPMAS_INVALID_REQUEST at once.
 */
export async function publishDurable(
  bus: Bus,
  subject: string,
  data: Payload,
  options: DurableOptions,
): Promise<PubAck> {
  const {
    timeoutMs = busLimits.requestTimeoutMs,
    retryForMs = busLimits.publishRetryForMs,
    signal,
  } = options;
  const deadline = performance.now() + retryForMs;
  const headers = { ...options.headers, 'Nats-Msg-Id': options.msgId };
  for (let attempt = 0; ; attempt += 1) {
    const left = () => Math.max(1, deadline - performance.now());
    try {
      await bus.whenUp(left());
      return readPubAck(
        subject,
        await bus.request(subject, data, { timeoutMs: Math.min(timeoutMs, left()), headers }),
      );
    } catch (error) {
      const fault = toBusError(`publishing to ${subject}`, error);
      if (!isTransient(fault)) throw fault;
      const wait = Math.min(busLimits.retryMaxMs, busLimits.retryMinMs * 2 ** Math.min(attempt, 6));
      if (performance.now() + wait >= deadline) throw fault;
      await sleep(wait, undefined, signal === undefined ? {} : { signal }).catch(() => {
        throw new BusError('OPMAS_BROKER_UNAVAILABLE', `publishing to ${subject} was called off`, {
          cause: fault,
        });
      });
    }
  }
}
