/** Streams and consumers as the server keeps them; agents have no right to any of this. */
import type {
  ConsumerConfig,
  ConsumerInfo,
  JetStreamManager,
  StreamConfig,
} from '@nats-io/jetstream';
import { streams } from '@opmas/protocol';
import type { Bus } from '../connection/bus.ts';
import { currentWire } from '../connection/wire-bus.ts';
import { BusError, toBusError } from '../errors.ts';
import { busLimits } from '../limits.ts';

/** Loaded at the first use: only the server administers streams. */
const jetstream = () => import('@nats-io/jetstream');

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface StreamOptions {
  /** How long, and how many bytes of, events are kept for slow agents and replay. */
  eventsMaxAgeMs: number;
  eventsMaxBytes: number;
  /** Copies in a cluster. */
  replicas: number;
}

/** Makes or updates OPMAS's streams; idempotent. Never shrinks by deleting: limits do that. */
export async function ensureStreams(bus: Bus, options: StreamOptions): Promise<void> {
  const { eventsMaxAgeMs, eventsMaxBytes, replicas } = options;
  const kept: [
    { name: string; subjects: readonly string[] },
    maxAgeMs: number,
    maxBytes: number,
    windowMs: number,
  ][] = [
    [streams.events, eventsMaxAgeMs, eventsMaxBytes, 2 * MINUTE],
    [streams.findings, 7 * DAY, -1, 10 * MINUTE],
    [streams.telemetry, HOUR, -1, 2 * MINUTE],
    [streams.deadLetters, 30 * DAY, -1, 10 * MINUTE],
    [streams.feed, HOUR, -1, 10 * MINUTE],
    [streams.advisories, 7 * DAY, -1, 2 * MINUTE],
  ];
  const { DiscardPolicy, RetentionPolicy, StorageType } = await jetstream();
  for (const [stream, maxAgeMs, maxBytes, windowMs] of kept) {
    await ensureStream(bus, {
      name: stream.name,
      subjects: [...stream.subjects],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      max_age: nanos(maxAgeMs),
      max_bytes: maxBytes,
      duplicate_window: nanos(Math.min(windowMs, maxAgeMs)),
      num_replicas: replicas,
      allow_direct: true,
      // Nobody purges, and nobody can: the answer to any publish counts as a request when it is sent there.
      deny_purge: true,
    });
  }
}

async function ensureStream(
  bus: Bus,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  const what = `stream ${config.name}`;
  try {
    const manager = await managerOf(bus);
    const existing = await found(manager.streams.info(config.name));
    if (existing === undefined) await manager.streams.add(config);
    else if (differs(existing.config, config)) await manager.streams.update(config.name, config);
  } catch (error) {
    throw toBusError(what, error);
  }
}

export interface ConsumerOptions {
  stream: string;
  consumer: string;
  /** One subject (nats-server 2.9 has no more); absent: the whole stream. */
  filterSubject?: string;
  ackWaitMs?: number;
  maxDeliver?: number;
  maxAckPending?: number;
  /** `new`: from now on; `all`: from the first kept message. Kept as first made. */
  deliver?: 'new' | 'all' | { fromSeq: number };
}

/** Makes or updates a durable pull consumer with explicit acknowledgements; idempotent. */
export async function ensureConsumer(bus: Bus, options: ConsumerOptions): Promise<void> {
  const { ackWaitMs = 30_000, maxDeliver = 6, maxAckPending = 1_000, deliver = 'new' } = options;
  const mutable: Partial<ConsumerConfig> = {
    ack_wait: nanos(ackWaitMs),
    max_deliver: maxDeliver,
    max_ack_pending: maxAckPending,
    ...(options.filterSubject === undefined ? {} : { filter_subject: options.filterSubject }),
  };
  try {
    const manager = await managerOf(bus);
    const existing = await found(manager.consumers.info(options.stream, options.consumer));
    if (existing === undefined) {
      const { AckPolicy } = await jetstream();
      await manager.consumers.add(options.stream, {
        durable_name: options.consumer,
        ack_policy: AckPolicy.Explicit,
        ...(await deliverPolicy(deliver)),
        ...mutable,
      });
    } else if (differs(existing.config, mutable)) {
      await manager.consumers.update(options.stream, options.consumer, mutable);
    }
  } catch (error) {
    throw toBusError(`consumer ${options.consumer} of stream ${options.stream}`, error);
  }
}

async function deliverPolicy(
  deliver: NonNullable<ConsumerOptions['deliver']>,
): Promise<Partial<ConsumerConfig>> {
  const { DeliverPolicy } = await jetstream();
  if (deliver === 'new') return { deliver_policy: DeliverPolicy.New };
  if (deliver === 'all') return { deliver_policy: DeliverPolicy.All };
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: deliver.fromSeq };
}

/** False when there was none. */
export async function deleteConsumer(bus: Bus, stream: string, consumer: string): Promise<boolean> {
  try {
    const manager = await managerOf(bus);
    return (await found(manager.consumers.delete(stream, consumer))) ?? false;
  } catch (error) {
    throw toBusError(`consumer ${consumer} of stream ${stream}`, error);
  }
}

export interface ConsumerState {
  consumer: string;
  /** Not yet delivered. */
  pending: number;
  /** Delivered, not acknowledged. */
  ack_pending: number;
  redelivered: number;
  /** Pull requests waiting: 0 means nobody reads. */
  waiting: number;
  /** Stream position up to which all is acknowledged. */
  ack_floor: number;
  delivered: number;
}

/** Undefined when there is none. */
export async function consumerInfo(
  bus: Bus,
  stream: string,
  consumer: string,
): Promise<ConsumerState | undefined> {
  try {
    const manager = await managerOf(bus);
    const info = await found(manager.consumers.info(stream, consumer));
    return info === undefined ? undefined : consumerState(info);
  } catch (error) {
    throw toBusError(`consumer ${consumer} of stream ${stream}`, error);
  }
}

/** All durable consumers of a stream. */
export async function listConsumers(bus: Bus, stream: string): Promise<ConsumerState[]> {
  try {
    const manager = await managerOf(bus);
    const states: ConsumerState[] = [];
    for await (const info of manager.consumers.list(stream)) states.push(consumerState(info));
    return states;
  } catch (error) {
    throw toBusError(`consumers of stream ${stream}`, error);
  }
}

export interface StreamState {
  stream: string;
  messages: number;
  bytes: number;
  first_seq: number;
  last_seq: number;
  /** RFC 3339. */
  first_time: string;
  last_time: string;
  consumers: number;
  /** When the stream was made: a stream made again starts its sequence anew. RFC 3339. */
  created: string;
}

/** Undefined when there is none. */
export async function streamInfo(bus: Bus, stream: string): Promise<StreamState | undefined> {
  try {
    const manager = await managerOf(bus);
    const info = await found(manager.streams.info(stream));
    if (info === undefined) return undefined;
    const { state } = info;
    return {
      stream,
      messages: state.messages,
      bytes: state.bytes,
      first_seq: state.first_seq,
      last_seq: state.last_seq,
      first_time: state.first_ts,
      last_time: state.last_ts,
      consumers: state.consumer_count,
      created: info.created,
    };
  } catch (error) {
    throw toBusError(`stream ${stream}`, error);
  }
}

/**
 * One stored message by its position; undefined when it is gone (expired, or never there).
 * @throws {BusError} OPMAS_BROKER_UNAVAILABLE, OPMAS_TIMEOUT, OPMAS_FORBIDDEN
 */
export async function storedMessage(
  bus: Bus,
  stream: string,
  seq: number,
): Promise<{ subject: string; data: Uint8Array } | undefined> {
  try {
    const manager = await managerOf(bus);
    const message = await found(manager.streams.getMessage(stream, { seq }));
    if (message === null || message === undefined) return undefined;
    return { subject: message.subject, data: message.data };
  } catch (error) {
    throw toBusError(`message ${seq} of ${stream}`, error);
  }
}

export interface BrokerHealth {
  up: boolean;
  version: string;
  /** Of OPMAS's own streams; those that do not exist are missing. */
  streams: StreamState[];
  error: string | undefined;
}

/** For /health and /metrics: never throws. */
export async function brokerHealth(bus: Bus): Promise<BrokerHealth> {
  if (!bus.isUp())
    return { up: false, version: bus.serverVersion(), streams: [], error: 'not connected' };
  try {
    const states = await Promise.all(
      Object.values(streams).map((stream) => streamInfo(bus, stream.name)),
    );
    return {
      up: true,
      version: bus.serverVersion(),
      streams: states.filter((state) => state !== undefined),
      error: undefined,
    };
  } catch (error) {
    return {
      up: false,
      version: bus.serverVersion(),
      streams: [],
      error: toBusError('broker', error).message,
    };
  }
}

export async function managerOf(bus: Bus): Promise<JetStreamManager> {
  if (!bus.isUp()) {
    throw new BusError('OPMAS_BROKER_UNAVAILABLE', 'not connected to the broker');
  }
  const { jetstreamManager } = await jetstream();
  return jetstreamManager(currentWire(bus), {
    checkAPI: false,
    timeout: busLimits.requestTimeoutMs,
  });
}

/** The answer, or undefined when the broker says 404. */
export async function found<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (toBusError('', error).code === 'OPMAS_NOT_FOUND') return undefined;
    throw error;
  }
}

function differs(have: object, want: object): boolean {
  return Object.entries(want).some(
    ([key, value]) => JSON.stringify(Reflect.get(have, key)) !== JSON.stringify(value),
  );
}

function nanos(ms: number): number {
  return Math.round(ms * 1e6);
}

function consumerState(info: ConsumerInfo): ConsumerState {
  return {
    consumer: info.name,
    pending: info.num_pending,
    ack_pending: info.num_ack_pending,
    redelivered: info.num_redelivered,
    waiting: info.num_waiting,
    ack_floor: info.ack_floor.stream_seq,
    delivered: info.delivered.stream_seq,
  };
}
