/** Key-value buckets: get, put, delete, and a watch that reconciles after every outage. */
import { nuid } from '@nats-io/transport-node';
import type { Bus, Payload } from '../connection/bus.ts';
import { currentWire } from '../connection/wire-bus.ts';
import { BusError, toBusError } from '../errors.ts';
import { KvWatch, type WatchOptions } from './kv-watch.ts';

export interface KvEntry {
  key: string;
  value: Uint8Array;
  revision: number;
}

export interface Kv {
  readonly bucket: string;
  /** Undefined when the key does not exist or was deleted. */
  get(key: string): Promise<KvEntry | undefined>;
  /** Returns the revision. */
  put(key: string, value: Payload): Promise<number>;
  delete(key: string): Promise<void>;
  /** Every key under `prefix` (ends with `.`, or is empty) now, then every change, across outages. */
  watch(prefix: string, options: WatchOptions): KvWatch;
}

/** Makes the bucket when it is missing (server only). */
export async function ensureKv(
  bus: Bus,
  bucket: string,
  options: { replicas?: number; maxBytes?: number } = {},
): Promise<void> {
  requireUp(bus);
  try {
    await (await kvm(bus)).create(bucket, {
      history: 1,
      replicas: options.replicas ?? 1,
      ...(options.maxBytes === undefined ? {} : { max_bytes: options.maxBytes }),
    });
  } catch (error) {
    throw toBusError(`bucket ${bucket}`, error);
  }
}

/**
 * Opens a bucket that exists. Needs no right beyond the keys' own subjects.
 * @param watcher the name of the watch's consumer, where the identity may create only that one
 * @throws {BusError} from the methods: OPMAS_BROKER_UNAVAILABLE, OPMAS_TIMEOUT, OPMAS_FORBIDDEN
 */
export function openKv(bus: Bus, bucket: string, options: { watcher?: string } = {}): Kv {
  const open = async () => {
    requireUp(bus);
    return await (await kvm(bus)).open(bucket, { allow_direct: true });
  };
  const guarded = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      throw toBusError(`${what} in bucket ${bucket}`, error);
    }
  };
  const get = (key: string) =>
    guarded(`get ${key}`, async () => {
      const entry = await (await open()).get(key);
      if (entry === null || entry.operation !== 'PUT') return undefined;
      return { key: entry.key, value: entry.value, revision: entry.revision };
    });
  return {
    bucket,
    get,
    put: (key, value) => guarded(`put ${key}`, async () => await (await open()).put(key, value)),
    delete: (key) => guarded(`delete ${key}`, async () => await (await open()).delete(key)),
    watch: (prefix, watch) => {
      const watcher = options.watcher ?? `watch_${nuid.next()}`;
      const exists = async (key: string) => (await get(key)) !== undefined;
      return new KvWatch(bus, bucket, prefix, watcher, exists, watch);
    },
  };
}

/** Loaded at the first use: most processes watch no more than a bucket, or none. */
async function kvm(bus: Bus) {
  const { Kvm } = await import('@nats-io/kv');
  return new Kvm(currentWire(bus));
}

function requireUp(bus: Bus): void {
  if (!bus.isUp()) throw new BusError('OPMAS_BROKER_UNAVAILABLE', 'not connected to the broker');
}
