/** The WebSocket feed, `/api/v1/agents/ws`. */
import { type Static, Type } from './typebox.ts';

export const FeedAuth = Type.Object(
  {
    type: Type.Literal('auth'),
    token: Type.String({ minLength: 1, maxLength: 8192 }),
  },
  { additionalProperties: false },
);

export const FeedSubscribe = Type.Object(
  {
    type: Type.Literal('subscribe'),
    topics: Type.Array(
      Type.String({ pattern: '^(agents|findings|alerts|jobs|logs:[A-Za-z0-9_-]{1,128})$' }),
      { minItems: 1, maxItems: 64 },
    ),
    cursor: Type.Optional(Type.String({ maxLength: 128 })),
  },
  { additionalProperties: false },
);
export type FeedSubscribe = Static<typeof FeedSubscribe>;

export const FEED_TYPES = [
  'agent.status',
  'agent.heartbeat',
  'finding',
  'alert',
  'log',
  'metric',
  'job',
  'snapshot',
] as const;

/**
 * What the server sends. `cursor` is `<epoch>.<sequence>`, the same on every replica; null on what is
 * only sampled (heartbeats, metrics, log lines).
 */
export const FeedMessage = Type.Object({
  type: Type.Enum([...FEED_TYPES]),
  cursor: Type.Union([Type.String(), Type.Null()]),
  data: Type.Unknown(),
});
export type FeedMessage = Static<typeof FeedMessage>;

/** A stored change, as it travels on `opmas.events.>`: kind, id of the outbox row, what changed. */
export const StoredEvent = Type.Object({
  id: Type.String(),
  kind: Type.String({ maxLength: 128 }),
  at: Type.String(),
  data: Type.Unknown(),
});
export type StoredEvent = Static<typeof StoredEvent>;
