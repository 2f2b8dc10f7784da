/** Makes findings: complete, masked, bounded in size, and with an id that follows from their cause. */
import { randomUUID } from 'node:crypto';
import {
  Finding,
  type FindingDetails,
  isPlainObject,
  parse,
  type Severity,
  limits as wire,
} from '@opmas/protocol';
import { type Clock, isoTime } from './clock.ts';
import { AgentError, describeFaults } from './errors.ts';
import { findingId } from './finding-id.ts';
import { limits } from './limits.ts';
import { sanitizeData } from './sanitize.ts';
import type { EventScope } from './work/scope.ts';

/** What an author says of a finding; the rest is filled in. */
export interface FindingDraft {
  type: string;
  severity: Severity;
  description: string;
  /** `event`, `event_id`, `rule_id`, `rule_version`, `matched_pattern` have their meaning on the wire. */
  details?: FindingDetails & Record<string, unknown>;
  /**
   * Two findings of one event with the same key are the same finding. Without it they are told apart by
   * their order. A group's value (an address, a MAC) is a good key.
   */
  dedupeKey?: string;
}

/**
 * A complete finding from a draft.
 * @throws {AgentError} OPMAS_INVALID_FORMAT naming every wrong field
 */
export function makeFinding(
  draft: FindingDraft,
  origin: { agentId: string; agentName: string; clock: Clock; scope: EventScope | undefined },
): Finding {
  const details = sanitizeData(draft.details ?? {});
  const eventId = eventIdOf(details) ?? origin.scope?.event.event_id;
  if (eventId !== undefined) details['event_id'] = eventId.slice(0, 256);
  const ruleId = details['rule_id'];
  const subject = typeof ruleId === 'string' ? ruleId : draft.type;
  const key = draft.dedupeKey ?? origin.scope?.ordinal(subject) ?? 0;
  const finding = {
    finding_id: findingId({
      agentName: origin.agentName,
      subject,
      key,
      eventId: eventId ?? randomUUID(),
    }),
    agent_id: origin.agentId,
    type: draft.type,
    severity: draft.severity,
    timestamp: isoTime(origin.clock),
    description: cut(String(draft.description), 4_000),
    details,
  };
  return bounded(checkedFinding(finding));
}

/**
 * `value` as a finding.
 * @throws {AgentError} OPMAS_INVALID_FORMAT naming every wrong field
 */
export function checkedFinding(value: unknown): Finding {
  const parsed = parse(Finding, value);
  if (parsed.ok) return parsed.value;
  throw new AgentError(
    'OPMAS_INVALID_FORMAT',
    `this is no finding: ${describeFaults(parsed.errors)}`,
    { faults: parsed.errors },
  );
}

/**
 * The finding itself when it fits the bound; else a copy whose long texts are cut and whose details
 * carry `truncated: true`. What identifies it (ids, rule, pattern) is never cut away.
 */
export function bounded(finding: Finding): Finding {
  if (roomLeft(finding, limits.findingBytes) >= 0 || jsonBytes(finding) <= limits.findingBytes)
    return finding;
  for (const chars of [wire.matchedChars, 1_024, 128]) {
    const cutDetails = cutTexts(finding.details, chars);
    const details = isPlainObject(cutDetails) ? cutDetails : {};
    const shorter: FindingDetails & Record<string, unknown> = { ...details, truncated: true };
    const candidate = { ...finding, details: shorter };
    if (jsonBytes(candidate) <= limits.findingBytes) return candidate;
  }
  const { event_id, rule_id, rule_version, matched_pattern, event } = finding.details;
  const bare: FindingDetails & Record<string, unknown> = {
    ...(event_id === undefined ? {} : { event_id }),
    ...(rule_id === undefined ? {} : { rule_id }),
    ...(rule_version === undefined ? {} : { rule_version }),
    ...(matched_pattern === undefined ? {} : { matched_pattern }),
    ...(typeof event?.['message'] === 'string'
      ? { event: { message: cut(event['message'], 1_024) } }
      : {}),
    truncated: true,
  };
  return { ...finding, details: bare };
}

function eventIdOf(details: Record<string, unknown>): string | undefined {
  const own = details['event_id'];
  if (typeof own === 'string' && own !== '') return own;
  const event = details['event'];
  const nested = isPlainObject(event) ? event['event_id'] : undefined;
  return typeof nested === 'string' && nested !== '' ? nested : undefined;
}

function cutTexts(value: unknown, chars: number): unknown {
  if (typeof value === 'string') return cut(value, chars);
  if (Array.isArray(value)) return value.map((item) => cutTexts(item, chars));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, cutTexts(v, chars)]));
}

function cut(text: string, chars: number): string {
  if (text.length <= chars) return text;
  return `${text.slice(0, chars)}… [${text.length - chars} characters cut]`;
}

/** Bytes a string may take in JSON for each character, and anything else with its name and commas. */
const CHAR_BYTES = 6;
const VALUE_BYTES = 32;

/**
 * What is left of `room` when `value` is written as JSON, at least; below zero: it may not fit. Looks at no more
 * than fits, and writes nothing, as most findings are a thousandth of what they may be.
 */
function roomLeft(value: unknown, room: number): number {
  if (typeof value === 'string') return room - CHAR_BYTES * value.length - VALUE_BYTES;
  if (typeof value !== 'object' || value === null) return room - VALUE_BYTES;
  // What writes itself may be of any size.
  if ('toJSON' in value) return -1;
  let left = room - VALUE_BYTES;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (left < 0) return left;
      left = roomLeft(item, left);
    }
    return left;
  }
  for (const name in value) {
    if (left < 0) return left;
    left = roomLeft(Reflect.get(value, name), left - CHAR_BYTES * name.length);
  }
  return left;
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
