/** `opmas.status|metrics|logs.agent.*` → service: who says it must be who the subject says. */
import {
  type Bus,
  type Consumption,
  ensureConsumer,
  fetchBatches,
  type JsMessage,
  streamInfo,
} from '@opmas/bus';
import {
  AgentLogLine,
  AgentStatusReport,
  agentNameOf,
  MetricsReport,
  parse,
  streams,
} from '@opmas/protocol';
import type { TSchema } from 'typebox';
import type { TelemetryItem, TelemetryService } from '../../features/telemetry/index.ts';
import { isDataFault } from '../../kernel/database-away.ts';
import { messageOf } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Directory } from './directory.ts';
import type { Impostors } from './impostors.ts';
import { jsonOf } from './json.ts';

const CONSUMER = 'server-telemetry';

export async function prepareTelemetry(bus: Bus): Promise<void> {
  await ensureConsumer(bus, {
    stream: streams.telemetry.name,
    consumer: CONSUMER,
    maxDeliver: -1,
    maxAckPending: limits.telemetryBatch * 4,
    deliver: 'all',
  });
}

export interface TelemetrySinks {
  /** Sampled to live viewers; the record is what is stored. */
  onLog(line: AgentLogLine): void;
  onMetrics(report: MetricsReport): void;
  onStatus(report: AgentStatusReport): void;
  onInvalid(kind: string): void;
}

export async function receiveTelemetry(options: {
  bus: Bus;
  telemetry: TelemetryService;
  directory: Directory;
  impostors: Impostors;
  logger: Logger;
  sinks: TelemetrySinks;
}): Promise<Consumption> {
  const { bus, telemetry, directory, impostors, logger, sinks } = options;
  /** Sequences count from one again in a stream that was made again: its birth belongs to each key. */
  let epoch = await born(bus);

  async function take(message: JsMessage): Promise<TelemetryItem | undefined> {
    const { subject } = message;
    const name = agentNameOf(subject);
    const key = `${epoch}.${message.seq}`;
    const read = async <S extends TSchema>(schema: S, kind: string) => {
      const value = jsonOf(message);
      const result = parse(schema, value);
      const claimed = result.ok ? (result.value as { agent_id: string }).agent_id : undefined;
      if (result.ok && claimed !== undefined) {
        const whose = await directory.check(claimed, name);
        if (whose === 'own') return result.value;
        if (whose === 'foreign') impostors.note(kind, subject, claimed);
        return undefined;
      }
      sinks.onInvalid(kind);
      const fault = result.ok
        ? 'no agent_id'
        : result.errors.map((e) => `${e.path} ${e.message}`).join('; ');
      logger.warn({ subject, fault }, `${kind} not taken`);
      return undefined;
    };
    if (subject.startsWith('opmas.metrics.')) {
      const report = await read(MetricsReport, 'metrics');
      if (report === undefined) return undefined;
      sinks.onMetrics(report);
      return { key, kind: 'metrics', report };
    }
    if (subject.startsWith('opmas.logs.agent.')) {
      const line = await read(AgentLogLine, 'log');
      if (line === undefined) return undefined;
      sinks.onLog(line);
      return { key, kind: 'log', line };
    }
    const report = await read(AgentStatusReport, 'status');
    if (report !== undefined) await takeStatus(report);
    return undefined;
  }

  /** What the database will never take is let go: it would come again for ever, and hold up what follows. */
  async function takeStatus(report: AgentStatusReport): Promise<void> {
    sinks.onStatus(report);
    try {
      await telemetry.status(report);
    } catch (error) {
      if (!isDataFault(error)) throw error;
      sinks.onInvalid('status');
      const told = { agent: report.agent_id, fault: messageOf(error) };
      logger.warn(told, 'status not storable, dropped');
    }
  }

  return fetchBatches(bus, {
    stream: streams.telemetry.name,
    consumer: CONSUMER,
    maxMessages: limits.telemetryBatch,
    maxWaitMs: 100,
    onBatch: async (messages) => {
      const items: TelemetryItem[] = [];
      for (const message of messages) {
        const item = await take(message);
        if (item !== undefined) items.push(item);
      }
      for (const { item, error } of await telemetry.record(items)) {
        sinks.onInvalid(item.kind);
        logger.warn(
          { kind: item.kind, fault: messageOf(error) },
          'telemetry not storable, dropped',
        );
      }
      for (const message of messages) message.ack();
    },
    onError: (error) => logger.warn({ err: messageOf(error) }, 'telemetry waits'),
    onRecovered: () => logger.info({}, 'telemetry flows again'),
    onGone: async () => {
      await prepareTelemetry(bus);
      epoch = await born(bus);
    },
  });
}

async function born(bus: Bus): Promise<string> {
  return (await streamInfo(bus, streams.telemetry.name))?.created ?? '';
}
