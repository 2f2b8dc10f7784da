/** A finding: what an agent concluded from events; the payload of `findings.<domain>`. */

import { AgentId, Severity, Timestamp } from './common.ts';
import { type Static, Type } from './typebox.ts';

export const FindingDetails = Type.Object({
  event_id: Type.Optional(Type.String({ maxLength: 256 })),
  rule_id: Type.Optional(Type.String({ maxLength: 128 })),
  rule_version: Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Integer()])),
  matched_pattern: Type.Optional(Type.String({ maxLength: 4096 })),
  event: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

export const Finding = Type.Object({
  finding_id: Type.String({ minLength: 1, maxLength: 128 }),
  agent_id: AgentId,
  type: Type.String({ minLength: 1, maxLength: 128 }),
  severity: Severity,
  timestamp: Timestamp,
  description: Type.String({ maxLength: 4096 }),
  details: FindingDetails,
});
export type Finding = Static<typeof Finding>;
export type FindingDetails = Static<typeof FindingDetails>;

/**
 * Namespace of every finding id (UUIDv5): the id is a function of
 * `JSON.stringify([agent_name, rule_id or type, key, event_id])`, so a redelivery never makes a second
 * finding.
 */
export const FINDING_NAMESPACE = '6f1d0c2e-8a53-5b7e-9c41-2d4b8f0e7a96';
