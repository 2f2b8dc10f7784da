/** The broker port over the bus: streams, consumers, desired keys, the feed. */
import {
  type Bus,
  consumerInfo,
  deleteConsumer,
  ensureConsumer,
  ensureKv,
  ensureStreams,
  type Kv,
  listConsumers,
  openKv,
  publishDurable,
  STATE_BUCKET,
} from '@opmas/bus';
import { consumerName, DESIRED_BUCKET, streams, subjects } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import type { Broker } from '../ports.ts';

/** Deliveries of an event message before it counts as undeliverable. */
const MAX_DELIVER = 6;
const ACK_WAIT_MS = 30_000;
const MAX_ACK_PENDING = 1_000;
/** A publish into the feed is tried for this long; the outbox tries again after it. */
const FEED_RETRY_MS = 10_000;

/** The broker's status when nobody listens on the subject of a request. */
const NO_RESPONDERS = 503;

/** Room for a message's headers within the broker's payload limit. */
const HEADER_BYTES = 4_096;

export function natsBroker(
  bus: Bus,
  options: { eventsMaxAgeMs: number; eventsMaxBytes: number },
): Broker {
  const desired: Kv = openKv(bus, DESIRED_BUCKET);
  const answers = bus.inbox();
  return {
    prepare: async () => {
      await ensureStreams(bus, { ...options, replicas: 1 });
      await ensureKv(bus, DESIRED_BUCKET);
      await ensureKv(bus, STATE_BUCKET);
    },
    ensureConsumers: async (agentName, topics) => {
      for (const topic of topics) {
        await ensureConsumer(bus, {
          stream: streams.events.name,
          consumer: consumerName(agentName, topic),
          filterSubject: topic,
          ackWaitMs: ACK_WAIT_MS,
          maxDeliver: MAX_DELIVER,
          maxAckPending: MAX_ACK_PENDING,
          deliver: 'new',
        });
      }
    },
    removeConsumers: async (agentName, keep) => {
      const kept = new Set(keep.map((topic) => consumerName(agentName, topic)));
      for (const { consumer } of await listConsumers(bus, streams.events.name)) {
        if (consumer.startsWith(`${agentName}=`) && !kept.has(consumer)) {
          await deleteConsumer(bus, streams.events.name, consumer);
        }
      }
    },
    control: (agentName, message) => {
      bus.publish(subjects.control(agentName), JSON.stringify(message));
    },
    ask: (agentName, id, message) => {
      const data = JSON.stringify(message);
      if (Buffer.byteLength(data) > bus.maxPayload() - HEADER_BYTES) {
        throw new OpmasError(
          'OPMAS_TOO_LARGE',
          `a message to ${agentName} is larger than the broker takes`,
        );
      }
      bus.publish(subjects.control(agentName), data, { reply: `${answers}.${id}` });
    },
    onAnswer: (listener) => {
      const subscription = bus.subscribe(
        `${answers}.*`,
        (message) => {
          const id = message.subject.slice(answers.length + 1);
          listener(id, message.status === NO_RESPONDERS ? undefined : jsonIn(message.data));
        },
        { inbox: true },
      );
      return () => subscription.stop();
    },
    dropConsumer: async (agentName, topic) => {
      const consumer = consumerName(agentName, topic);
      const state = await consumerInfo(bus, streams.events.name, consumer);
      if (state === undefined) return 0;
      await deleteConsumer(bus, streams.events.name, consumer);
      return state.pending + state.ack_pending;
    },
    setDesired: async (hostId, agentId, value) => {
      const key = `desired.${hostId}.${agentId}`;
      if (value === undefined) await desired.delete(key);
      else await desired.put(key, JSON.stringify(value));
    },
    desiredKeys: (hostId) => keysOf(desired, `desired.${hostId}.`),
    publishFeed: async (subject, data, msgId) => {
      if (Buffer.byteLength(data) > bus.maxPayload() - HEADER_BYTES) {
        throw new OpmasError('OPMAS_TOO_LARGE', `${msgId} is larger than the broker takes`);
      }
      await publishDurable(bus, subject, data, { msgId, retryForMs: FEED_RETRY_MS });
    },
    isUp: () => bus.isUp(),
  };
}

/** Null for what is no JSON: whoever answers so has said nothing. */
function jsonIn(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString('utf8'));
  } catch {
    return null;
  }
}

/** The last parts of every key under `prefix`. */
async function keysOf(kv: Kv, prefix: string): Promise<string[]> {
  const keys = new Set<string>();
  let watch: ReturnType<Kv['watch']> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      watch = kv.watch(prefix, {
        onPut: ({ key }) => void keys.add(key.slice(prefix.length)),
        onDelete: (key) => void keys.delete(key.slice(prefix.length)),
        onReady: resolve,
        onError: reject,
      });
    });
  } finally {
    await watch?.stop();
  }
  return [...keys];
}
