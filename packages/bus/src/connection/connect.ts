/** connectBus: the first connection, tried until it stands, then kept by WireBus. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { BusError, toBusError } from '../errors.ts';
import { busLimits } from '../limits.ts';
import type { Credentials } from '../trust/creds.ts';
import type { Bus, ConnectOptions } from './bus.ts';
import { credentialSource, openWire, redactUrl } from './wire.ts';
import { WireBus } from './wire-bus.ts';

/**
 * Connects, then keeps the connection for ever: reconnects after 100–250 ms, growing to 2 s.
 * @throws {BusError} OPMAS_UNAUTHENTICATED when the broker refuses the credentials;
 * OPMAS_BROKER_UNAVAILABLE when `connectTimeoutMs` passed or `signal` was aborted.
 */
export async function connectBus(options: ConnectOptions): Promise<Bus> {
  const source = credentialSource(options);
  const wire = await firstWire(options, source);
  return new WireBus(options, source, wire);
}

async function firstWire(
  options: ConnectOptions,
  source: () => Credentials | undefined,
): Promise<NatsConnection> {
  const {
    connectTimeoutMs = Number.POSITIVE_INFINITY,
    signal,
    logger,
    random = Math.random,
  } = options;
  const deadline = performance.now() + connectTimeoutMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await openWire(options, source);
    } catch (error) {
      const fault = toBusError('connecting', error);
      if (fault.code !== 'OPMAS_BROKER_UNAVAILABLE' && fault.code !== 'OPMAS_TIMEOUT') throw fault;
      const wait =
        Math.min(busLimits.retryMaxMs, busLimits.retryMinMs * 1.3 ** Math.min(attempt, 20)) +
        random() * 150;
      if (performance.now() + wait > deadline || signal?.aborted === true) throw fault;
      if (attempt === 0)
        logger.warn(
          { url: redactUrl(options.url), error: fault.message },
          'broker not reachable yet; trying again',
        );
      await sleep(wait, undefined, signal === undefined ? {} : { signal }).catch(() => {
        throw new BusError('OPMAS_BROKER_UNAVAILABLE', 'connecting was called off', {
          cause: fault,
        });
      });
    }
  }
}
