// Reads the details of a finding, which an agent wrote: nothing about them is certain.
import type { FindingRecord } from '@opmas/protocol';

export interface FindingFacts {
  ruleId?: string;
  ruleVersion?: string;
  pattern?: string;
  eventId?: string;
  host?: string;
  source?: string;
  program?: string;
  message?: string;
  eventTime?: string;
}

export function factsOf({ details }: FindingRecord): FindingFacts {
  const event = isObject(details['event']) ? details['event'] : {};
  return pick({
    ruleId: details['rule_id'],
    ruleVersion: details['rule_version'],
    pattern: details['matched_pattern'],
    eventId: details['event_id'] ?? event['event_id'],
    host: event['host'],
    source: event['source_ip'],
    program: event['program'],
    message: event['message'],
    eventTime: event['timestamp'],
  });
}

function pick(raw: Record<keyof FindingFacts, unknown>): FindingFacts {
  const facts: Record<string, string> = {};
  for (const [key, value] of Object.entries(raw)) {
    if (typeof value === 'string' || typeof value === 'number') facts[key] = String(value);
  }
  return facts;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
