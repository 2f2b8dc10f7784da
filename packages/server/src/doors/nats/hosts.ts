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
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, OpmasError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Impostors } from './impostors.ts';
import { jsonOf } from './json.ts';

/** Hosts whose report waits. */
const MAX_WAITING = 10_000;

export function receiveHosts(options: {
  bus: Bus;
  lifecycle: LifecycleService;
  impostors: Impostors;
  clock: Clock;
  logger: Logger;
  /** After a report was taken in: what it changed is to be told. */
  onReport: () => void;
}): BusSubscription[] {
  const { bus, lifecycle, impostors, clock, logger, onReport } = options;
  /** The newest report of each host that has not been taken yet. */
  const waiting = new Map<string, { report: HostReport; subject: string; at: Date }>();
  let isTaking = false;

  /** One after the other: an older report must not overwrite a newer one. */
  async function takeAll(): Promise<void> {
    if (isTaking) return;
    isTaking = true;
    for (const [hostId, { report, subject, at }] of waiting) {
      // One that comes meanwhile goes to the end.
      waiting.delete(hostId);
      try {
        for (const agentId of await lifecycle.hear(report, at)) {
          impostors.note('host', subject, agentId);
        }
        onReport();
      } catch (error) {
        logger.warn({ host: hostId, err: messageOf(error) }, 'host report waits');
      }
    }
    isTaking = false;
  }

  const hear = (report: HostReport, subject: string): Promise<void> => {
    const { host_id: hostId } = report;
    // The next report says it all again.
    if (waiting.size >= MAX_WAITING && !waiting.has(hostId)) return Promise.resolve();
    waiting.set(hostId, { report, subject, at: new Date(clock.now()) });
    return takeAll();
  };

  const reports = bus.subscribe(serverSubjects.hostActual, (message) => {
    const result = parse(HostReport, jsonOf(message));
    if (!result.ok) {
      logger.warn({ subject: message.subject }, 'not a host report');
      return;
    }
    if (result.value.host_id !== hostIdOf(message.subject)) {
      impostors.note('host', message.subject, result.value.host_id);
      return;
    }
    void hear(result.value, message.subject);
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
      if (error instanceof OpmasError && error.code === 'OPMAS_FORBIDDEN') {
        impostors.note('launch', subject, request.value.agent_id);
      }
      logger.warn({ agent: request.value.agent_id, err: messageOf(error) }, 'no launch ticket');
      return { ok: false, error: messageOf(error) };
    }
  }
  return [reports, launches];
}
