/** A real broker, a collector on it, and a reader of everything its stream holds; for tests. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  type Bus,
  collectorPermissions,
  connectBus,
  consumeDurable,
  decodeEvents,
  ensureConsumer,
  ensureStreams,
  systemInbox,
} from '@opmas/bus';
import { createRouter } from '@opmas/ingest';
import { check, type LogEvent, LogEvent as LogEventSchema } from '@opmas/protocol';
import { type TestNats, testNats, waitFor } from '@opmas/testkit';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type Collector, startCollector } from '../app.ts';

export const log = pino({ level: 'silent' });

export interface Stored {
  topic: string;
  event: LogEvent;
}

export interface Rig {
  nats: TestNats;
  /** The server's side of the broker: may do everything. */
  admin: Bus;
  collector: Collector;
  /** Every event of the stream so far, in order. */
  stored: readonly Stored[];
}

async function busOf(nats: TestNats, name: string, permitted: boolean): Promise<Bus> {
  const { jwt, seed } = permitted
    ? nats.credsFor(name)
    : nats.credsFor(name, collectorPermissions('local'));
  const bus = await connectBus({
    url: nats.url,
    name,
    logger: log,
    credentials: () => ({ jwt, seed }),
    ...(permitted ? {} : { inboxPrefix: systemInbox.collector }),
  });
  onTestFinished(() => bus.close());
  return bus;
}

/** A broker with OPMAS's streams. */
export async function broker(): Promise<{ nats: TestNats; admin: Bus; stored: Stored[] }> {
  const nats = await testNats();
  onTestFinished(() => nats.stop());
  const admin = await busOf(nats, 'admin', true);
  await ensureStreams(admin, { eventsMaxAgeMs: 3_600_000, eventsMaxBytes: 1e9, replicas: 1 });
  // What was on its way to the reader when the broker died comes again after a second.
  await ensureConsumer(admin, {
    stream: 'EVENTS',
    consumer: 'reader',
    deliver: 'all',
    ackWaitMs: 1_000,
    maxDeliver: 100,
  });
  return { nats, admin, stored: read(admin) };
}

/** A collector with exactly the collector's permissions, on free ports. */
export async function rig(options: { maxQueuedEvents?: number } = {}): Promise<Rig> {
  const { nats, admin, stored } = await broker();
  const collector = await startCollector({
    bus: await busOf(nats, 'collector', false),
    router: createRouter(),
    hostId: 'local',
    syslogHost: '127.0.0.1',
    syslogPort: 0,
    log,
    now: Date.now,
    newId: randomUUID,
    ...options,
  });
  onTestFinished(async () => {
    await nats.stop();
    await collector.stop();
  });
  return { nats, admin, collector, stored };
}

/** Collects the stream; a message read twice (the reader's acknowledgement was lost) counts once. */
function read(bus: Bus): Stored[] {
  const stored: Stored[] = [];
  const seen = new Set<number>();
  consumeDurable(bus, {
    stream: 'EVENTS',
    consumer: 'reader',
    onError: () => {}, // the broker is killed on purpose
    onMessage: (message) => {
      message.ack();
      if (seen.has(message.seq)) return;
      seen.add(message.seq);
      for (const event of decodeEvents(message.data).events) {
        if (!check(LogEventSchema, event)) throw new Error(`no event: ${JSON.stringify(event)}`);
        stored.push({ topic: message.subject, event });
      }
    },
  });
  return stored;
}

export async function tcp(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}); // a collector that ends resets its peers
  await once(socket, 'connect');
  return socket;
}

/** Writes with the sender's own back-pressure. */
export async function write(socket: Socket, text: string): Promise<void> {
  if (!socket.write(text)) await once(socket, 'drain');
}

export async function storedCount(rigged: { stored: readonly Stored[] }, count: number) {
  await waitFor(() => rigged.stored.length >= count, {
    what: `${count} events in the stream`,
    timeoutMs: 25_000,
  });
}
