/** Hosts: their reports, and launch tickets on request. */
import type { Bus, BusSubscription } from '@opmas/bus';
import {
  HostReport,
  hostIdOf,
  LaunchRequest,
  type LaunchTicket,
  parse,
  serverSubjects,
} from '@opmas/protocol';
import type { LifecycleService } from '../../features/lifecycle/index.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { jsonOf } from './json.ts';

export function receiveHosts(options: {
  bus: Bus;
  lifecycle: LifecycleService;
  logger: Logger;
  /** After a report was taken in: what it changed is to be told. */
  onReport: () => void;
}): BusSubscription[] {
  const { bus, lifecycle, logger, onReport } = options;
  /** Reports are taken one after the other: an older one must not overwrite a newer one. */
  let turn: Promise<void> = Promise.resolve();
  let waiting = 0;

  const hear = (report: HostReport): void => {
    if (waiting > 8) return; // the next report says it all again
    waiting += 1;
    turn = turn
      .then(() => lifecycle.hear(report))
      .then(onReport)
      .catch((error: unknown) =>
        logger.warn({ host: report.host_id, err: messageOf(error) }, 'host report waits'),
      )
      .finally(() => {
        waiting -= 1;
      });
  };

  const reports = bus.subscribe(serverSubjects.hostActual, (message) => {
    const result = parse(HostReport, jsonOf(message));
    if (!result.ok || result.value.host_id !== hostIdOf(message.subject)) {
      logger.warn({ subject: message.subject }, 'not a host report');
      return;
    }
    hear(result.value);
  });
  const launches = bus.subscribe(serverSubjects.hostLaunch, async (message) => {
    message.respond(JSON.stringify(await ticket(message.subject, jsonOf(message))));
  });

  async function ticket(subject: string, value: unknown): Promise<LaunchTicket> {
    const hostId = hostIdOf(subject);
    const request = parse(LaunchRequest, value);
    if (hostId === undefined || !request.ok) return { ok: false, error: 'not a launch request' };
    try {
      return await lifecycle.launchTicket(hostId, request.value);
    } catch (error) {
      logger.warn({ agent: request.value.agent_id, err: messageOf(error) }, 'no launch ticket');
      return { ok: false, error: messageOf(error) };
    }
  }
  return [reports, launches];
}
