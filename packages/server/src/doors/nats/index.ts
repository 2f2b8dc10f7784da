/** Everything the server hears from the broker, started together. */
import type { Bus } from '@opmas/bus';
import { CollectorStats, hostIdOf, parse, serverSubjects } from '@opmas/protocol';
import type { Refusals } from '../../features/audit/index.ts';
import type { SlotsService } from '../../features/credentials/index.ts';
import type { Reports } from '../../features/deliveries/index.ts';
import type { FindingsService } from '../../features/findings/index.ts';
import type { LifecycleService } from '../../features/lifecycle/index.ts';
import type { TelemetryService } from '../../features/telemetry/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Measures } from '../../kernel/measures.ts';
import type { Database } from '../../platform/ports.ts';
import type { Feed } from '../ws/feed.ts';
import { prepareDeadLetters, receiveDeadLetters } from './dead-letters.ts';
import { createDirectory } from './directory.ts';
import { receiveFeed } from './feed.ts';
import { prepareFindings, receiveFindings } from './findings.ts';
import { createFindingsTopics } from './findings-topics.ts';
import { receiveHeartbeats } from './heartbeats.ts';
import { receiveHosts } from './hosts.ts';
import { createImpostors } from './impostors.ts';
import { jsonOf } from './json.ts';
import { prepareTelemetry, receiveTelemetry } from './telemetry.ts';

export async function receiveEverything(options: {
  bus: Bus;
  telemetry: TelemetryService;
  findings: FindingsService;
  lifecycle: LifecycleService;
  slots: SlotsService;
  configReports: Reports;
  refusals: Refusals;
  /** Something was written that others must hear of. */
  changed: () => void;
  /** What an agent is told to run has changed, at whichever server. */
  configChanged: () => void;
  feed: Feed;
  database: Database;
  clock: Clock;
  logger: Logger;
  measures: Measures;
  serverId: string;
}): Promise<() => Promise<void>> {
  const { bus, telemetry, findings, lifecycle, slots, refusals, changed, feed } = options;
  const { database, clock, logger, measures, serverId, configReports } = options;
  const directory = createDirectory(database, clock);
  await directory.refresh();
  const impostors = createImpostors({ refusals, onInvalid: measures.invalid, logger });
  const topics = createFindingsTopics(slots);
  await telemetry.expectRunning();
  await prepareFindings(bus);
  await prepareTelemetry(bus);
  await prepareDeadLetters(bus);

  const heartbeats = receiveHeartbeats({
    bus,
    telemetry,
    directory,
    slots,
    impostors,
    logger,
    onHeartbeat: (heartbeat) => {
      configReports.heartbeat(heartbeat);
      feed.sample('agents', 'agent.heartbeat', {
        agent_id: heartbeat.agent_id,
        status: heartbeat.status,
        timestamp: heartbeat.timestamp,
        uptime: heartbeat.uptime,
      });
    },
    onPresence: async (change) => {
      await telemetry.presenceChanged(change);
      changed();
    },
    onInvalid: measures.invalid,
  });
  const hosts = receiveHosts({ bus, lifecycle, impostors, clock, logger, onReport: changed });
  const collectors = bus.subscribe(serverSubjects.collectorStats, (message) => {
    const stats = parse(CollectorStats, jsonOf(message));
    if (!stats.ok) measures.invalid('collector');
    else if (stats.value.host_id !== hostIdOf(message.subject)) {
      impostors.note('collector', message.subject, stats.value.host_id);
    } else measures.collector(stats.value.host_id, stats.value);
  });
  const streams = [
    receiveFindings({
      bus,
      findings,
      topics,
      impostors,
      logger,
      onInvalid: () => measures.invalid('finding'),
    }),
    await receiveTelemetry({
      bus,
      telemetry,
      directory,
      impostors,
      logger,
      sinks: {
        onLog: (line) => {
          const topic = `logs:${line.agent_id}`;
          if (feed.hasListeners(topic)) feed.sample(topic, 'log', line);
        },
        onStatus: (report) => configReports.status(report),
        onMetrics: (report) => feed.sample('agents', 'metric', report),
        onInvalid: measures.invalid,
      },
    }),
    receiveDeadLetters({ bus, directory, clock, logger }),
    await receiveFeed({
      bus,
      feed,
      serverId,
      configChanged: options.configChanged,
      logger,
    }),
  ];
  return async () => {
    await Promise.all([heartbeats, ...hosts, collectors].map((each) => each.stop()));
    await Promise.all(streams.map((each) => each.stop()));
  };
}
