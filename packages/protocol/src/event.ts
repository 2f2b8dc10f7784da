/** A log event: what a router said, normalised; the payload of `logs.<domain>`. */

import { JsonObject, Timestamp } from './common.ts';
import { type Static, Type } from './typebox.ts';

/** Extra fields are kept: an event may come from any producer. */
export const LogEvent = Type.Object({
  event_id: Type.String({ minLength: 1, maxLength: 256 }),
  timestamp: Timestamp,
  type: Type.String({ minLength: 1, maxLength: 64 }),
  message: Type.String({ maxLength: 1_000_000 }),
  received_at: Type.Optional(Timestamp),
  host: Type.Optional(Type.String({ maxLength: 255 })),
  source_ip: Type.Optional(Type.String({ maxLength: 64 })),
  program: Type.Optional(Type.String({ maxLength: 255 })),
  pid: Type.Optional(Type.Integer({ minimum: 0 })),
  facility: Type.Optional(Type.String({ maxLength: 32 })),
  severity: Type.Optional(Type.String({ maxLength: 32 })),
  fields: Type.Optional(JsonObject),
});
export type LogEvent = Static<typeof LogEvent>;

/** What a producer may leave out when it posts over HTTP; the server fills the rest. */
export const IncomingEvent = Type.Object({
  ...LogEvent.properties,
  event_id: Type.Optional(LogEvent.properties.event_id),
  timestamp: Type.Optional(LogEvent.properties.timestamp),
  type: Type.Optional(LogEvent.properties.type),
});
export type IncomingEvent = Static<typeof IncomingEvent>;

/** Domains every installation knows; others are legal and made by use. */
export const DOMAINS = ['security', 'auth', 'wifi', 'connectivity', 'health', 'system'] as const;
