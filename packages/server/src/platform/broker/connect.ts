/** Connects the server to the broker. */
import { type Bus, connectBus, systemInbox } from '@opmas/bus';
import type { Logger } from '../../kernel/logger.ts';
import type { Settings } from '../../settings.ts';

/** An embedded broker is there before the server; an external one gets this long at the start. */
const CONNECT_MS = 30_000;

export function openBus(nats: Settings['nats'], logger: Logger): Promise<Bus> {
  return connectBus({
    url: nats.url,
    name: 'opmas-server',
    logger,
    connectTimeoutMs: CONNECT_MS,
    ...(nats.credsFile === undefined
      ? {}
      : { credsFile: nats.credsFile, inboxPrefix: systemInbox.server }),
  });
}
