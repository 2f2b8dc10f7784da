/** What the API says of the sources of events. */
import { AgentId, type Static, Timestamp, Type } from '@opmas/protocol';

export const Source = Type.Object({
  agent_id: AgentId,
  agent_name: Type.String(),
  topic: Type.String(),
  /** Null: the topic as a whole. */
  host: Type.Union([Type.String(), Type.Null()]),
  first_at: Timestamp,
  last_at: Timestamp,
  /** The longest silence of the last days, in seconds. */
  longest_gap: Type.Number({ minimum: 0 }),
  /** Seconds after which it counts as silent, from its own rhythm; null: it has none yet. */
  silent_after: Type.Union([Type.Number({ minimum: 0 }), Type.Null()]),
  /** It was heard regularly, and then no more. */
  silent: Type.Boolean(),
});
export type Source = Static<typeof Source>;
