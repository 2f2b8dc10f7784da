/** Everything the server hears from the broker, started together. */
import type { Bus } from '@opmas/bus';
import { CollectorStats, parse, serverSubjects } from '@opmas/protocol';
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
import { receiveHeartbeats } from './heartbeats.ts';
import { receiveHosts } from './hosts.ts';
import { jsonOf } from './json.ts';
import { prepareTelemetry, receiveTelemetry } from './telemetry.ts';

export async function receiveEverything(options: {
  bus: Bus;
  telemetry: TelemetryService;
  findings: FindingsService;
  lifecycle: LifecycleService;
  /** Something was written that others must hear of. */
  changed: () => void;
  feed: Feed;
  database: Database;
  clock: Clock;
  logger: Logger;
  measures: Measures;
  serverId: string;
}): Promise<() => Promise<void>> {
  const { bus, telemetry, findings, lifecycle, changed, feed } = options;
  const { database, clock, logger, measures, serverId } = options;
  const directory = createDirectory(database, clock);
  await directory.refresh();
  await telemetry.expectRunning();
  await prepareFindings(bus);
  await prepareTelemetry(bus);
  await prepareDeadLetters(bus);

  const heartbeats = receiveHeartbeats({
    bus,
    telemetry,
    directory,
    logger,
    onHeartbeat: (heartbeat) =>
      feed.sample('agents', 'agent.heartbeat', {
        agent_id: heartbeat.agent_id,
        status: heartbeat.status,
        timestamp: heartbeat.timestamp,
        uptime: heartbeat.uptime,
      }),
    onPresence: async (change) => {
      await telemetry.presenceChanged(change);
      changed();
    },
    onInvalid: measures.invalid,
  });
  const hosts = receiveHosts({ bus, lifecycle, logger, onReport: changed });
  const collectors = bus.subscribe(serverSubjects.collectorStats, (message) => {
    const stats = parse(CollectorStats, jsonOf(message));
    if (stats.ok) measures.collector(stats.value.host_id, stats.value);
    else measures.invalid('collector');
  });
  const streams = [
    receiveFindings({ bus, findings, logger, onInvalid: () => measures.invalid('finding') }),
    await receiveTelemetry({
      bus,
      telemetry,
      directory,
      logger,
      sinks: {
        onLog: (line) => {
          const topic = `logs:${line.agent_id}`;
          if (feed.hasListeners(topic)) feed.sample(topic, 'log', line);
        },
        onMetrics: (report) => feed.sample('agents', 'metric', report),
        onInvalid: measures.invalid,
      },
    }),
    receiveDeadLetters({ bus, directory, clock, logger }),
    await receiveFeed({ bus, feed, serverId, logger }),
  ];
  return async () => {
    await Promise.all([heartbeats, ...hosts, collectors].map((each) => each.stop()));
    await Promise.all(streams.map((each) => each.stop()));
  };
}
