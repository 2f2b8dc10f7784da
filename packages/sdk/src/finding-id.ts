/** Finding ids that are a function of their cause, so that a redelivery never makes a second finding. */
import { hash } from 'node:crypto';
import { FINDING_NAMESPACE } from '@opmas/protocol';

const NAMESPACE = Buffer.from(FINDING_NAMESPACE.replaceAll('-', ''), 'hex');
/** Namespace and name, one behind the other: room for any name but the longest. */
const room = Buffer.concat([NAMESPACE, Buffer.alloc(2_048)]);
/** The longest UTF-8 of a UTF-16 unit. */
const UNIT_BYTES = 3;
/** By the two bits that are not given: the digit that says which kind of UUID it is. */
const VARIANTS = '89ab';

/** UUID version 5 of `name` in the namespace of findings (RFC 9562, section 5.5). */
export function uuidV5(name: string): string {
  const hex = hash('sha1', withNamespace(name), 'hex');
  const variant = VARIANTS.charAt(Number.parseInt(hex.charAt(16), 16) & 3);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function withNamespace(name: string): Buffer {
  if (name.length * UNIT_BYTES > room.length - NAMESPACE.length) {
    return Buffer.concat([NAMESPACE, Buffer.from(name)]);
  }
  return room.subarray(0, NAMESPACE.length + room.write(name, NAMESPACE.length));
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
