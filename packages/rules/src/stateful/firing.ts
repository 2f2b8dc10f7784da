/** What a rule that counts over time tells when its window is complete. */
import type { Rule } from '@opmas/protocol';
import { type Static, Type } from '@opmas/protocol';

/** The window, for `details.window` of a finding. Times are RFC 3339. */
export const WindowDetails = Type.Object({
  kind: Type.Enum(['threshold', 'distinct', 'sequence', 'absence', 'silence']),
  /** What was counted by, one text; empty without `group_by`. */
  key: Type.String(),
  /** The same, by name. */
  group: Type.Record(Type.String(), Type.String()),
  /** Events, different values, or completed sequences; absence: 0. */
  count: Type.Integer({ minimum: 0 }),
  first_event_id: Type.String(),
  first_at: Type.String(),
  /** absence: the last event before the silence. */
  last_event_id: Type.String(),
  last_at: Type.String(),
  /** distinct: the first of the values. */
  values: Type.Optional(Type.Array(Type.String())),
});
export type WindowDetails = Static<typeof WindowDetails>;

/** A complete window. Has the shape of a match, with the window beside it. */
export interface Firing {
  /** Tells it from all others. */
  id: string;
  rule: Rule;
  matched_pattern: string;
  text?: string;
  groups?: Record<string, string>;
  /** Of the event that completed the window; absence: that nothing followed. */
  event_id: string;
  window: WindowDetails;
  /** Completed by the passing of time: no event brings it again. */
  timed: boolean;
}
