/** Finding ids that are a function of their cause, so that a redelivery never makes a second finding. */
import { createHash } from 'node:crypto';
import { FINDING_NAMESPACE } from '@opmas/protocol';

const namespaceBytes = Buffer.from(FINDING_NAMESPACE.replaceAll('-', ''), 'hex');

/** UUID version 5 of `name` in the namespace of findings (RFC 9562, section 5.5). */
export function uuidV5(name: string): string {
  const hash = createHash('sha1').update(namespaceBytes).update(name, 'utf8').digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * The id of a finding: UUIDv5 over JSON `[agent_name, rule_id or type, key, event_id]`.
 * @param cause `subject` is the rule's id, else the finding's type; `key` the group value, the author's
 * dedupe key, or the ordinal of the finding among those of the same subject in the event
 */
export function findingId(cause: {
  agentName: string;
  subject: string;
  key: string | number;
  eventId: string;
}): string {
  return uuidV5(JSON.stringify([cause.agentName, cause.subject, cause.key, cause.eventId]));
}
