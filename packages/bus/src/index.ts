/** The one NATS layer: connection, identities, batch publisher, pull consumers. */
export * from './admin/accounts.ts';
export { ensureKv, type Kv, type KvEntry, openKv } from './admin/kv.ts';
export type { KvWatch, WatchOptions } from './admin/kv-watch.ts';
export {
  type BrokerHealth,
  brokerHealth,
  type ConsumerOptions,
  type ConsumerState,
  consumerInfo,
  deleteConsumer,
  ensureConsumer,
  ensureStreams,
  listConsumers,
  type StreamOptions,
  type StreamState,
  storedMessage,
  streamInfo,
} from './admin/streams.ts';
export * from './connection/bus.ts';
export { connectBus } from './connection/connect.ts';
export { redactUrl } from './connection/wire.ts';
export * from './consume/consume-durable.ts';
export * from './consume/fetch-batches.ts';
export type { JsMessage } from './consume/message.ts';
export * from './consume/read-range.ts';
export * from './decode-events.ts';
export { BusError, isTransient } from './errors.ts';
export { busLimits } from './limits.ts';
export type { EventJson } from './publish/batch.ts';
export * from './publish/batch-publisher.ts';
export type { PubAck } from './publish/pub-ack.ts';
export * from './publish/publish-durable.ts';
export { apiImports, apiPrefixIn, apiPrefixOf, PLAIN_API } from './trust/api-prefix.ts';
export * from './trust/creds.ts';
export * from './trust/jwt.ts';
export * from './trust/nats-config.ts';
export * from './trust/nkeys.ts';
export * from './trust/permissions.ts';
export * from './trust/revocations.ts';
export * from './trust/trust.ts';
