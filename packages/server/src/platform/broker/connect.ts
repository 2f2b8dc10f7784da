/** Connects the server to the broker. */
import { type Bus, connectBus, systemInbox } from '@opmas/bus';
import type { Logger } from '../../kernel/logger.ts';
import type { Settings } from '../../settings.ts';

/** An embedded broker is there before the server; an external one gets this long at the start. */
const CONNECT_MS = 30_000;
const SYSTEM_CONNECT_MS = 5_000;

export function openBus(nats: Settings['nats'], logger: Logger): Promise<Bus> {
  return connectBus({
    ...common(nats, logger),
    name: 'opmas-server',
    connectTimeoutMs: CONNECT_MS,
    ...(nats.credsFile === undefined
      ? {}
      : { credsFile: nats.credsFile, inboxPrefix: systemInbox.server }),
  });
}

/** As a user of the system account; for one request, so it does not wait long. */
export function openSystemBus(
  nats: Settings['nats'],
  credsFile: string,
  logger: Logger,
): Promise<Bus> {
  return connectBus({
    ...common(nats, logger),
    name: 'opmas-server-system',
    connectTimeoutMs: SYSTEM_CONNECT_MS,
    credsFile,
  });
}

/** What every connection of the server shares. */
function common(nats: Settings['nats'], logger: Logger) {
  const { url, caFile } = nats;
  return { url, logger, ...(caFile === undefined ? {} : { tlsCaFile: caFile }) };
}
