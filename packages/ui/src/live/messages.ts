// Reads one message of the feed; what this page does not know or understand is left out.
import type { Agent, FindingRecord, Job } from '@opmas/protocol';

export type LiveMessage =
  | { type: 'agent.status'; cursor: string | null; agent: Agent }
  | { type: 'agent.heartbeat'; cursor: string | null; agent_id: string; timestamp: string }
  | { type: 'finding'; cursor: string | null; finding: FindingRecord }
  | { type: 'job'; cursor: string | null; job: Job }
  | { type: 'snapshot'; cursor: string | null }
  | { type: 'other'; cursor: string | null };

/** `undefined` when it is no feed message at all. */
export function readMessage(raw: unknown): LiveMessage | undefined {
  if (typeof raw !== 'string') return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(raw);
  } catch {
    return undefined;
  }
  if (!isObject(parsed) || typeof parsed['type'] !== 'string') return undefined;
  const cursor = typeof parsed['cursor'] === 'string' ? parsed['cursor'] : null;
  const data = parsed['data'];
  switch (parsed['type']) {
    case 'snapshot':
      return { type: 'snapshot', cursor };
    case 'agent.status':
      return isAgent(data)
        ? { type: 'agent.status', cursor, agent: data }
        : { type: 'other', cursor };
    case 'finding':
      return isFinding(data)
        ? { type: 'finding', cursor, finding: data }
        : { type: 'other', cursor };
    case 'job':
      return isJob(data) ? { type: 'job', cursor, job: data } : { type: 'other', cursor };
    case 'agent.heartbeat':
      return isBeat(data)
        ? { type: 'agent.heartbeat', cursor, agent_id: data.agent_id, timestamp: data.timestamp }
        : { type: 'other', cursor };
    default:
      return { type: 'other', cursor };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasStrings<K extends string>(
  value: unknown,
  keys: readonly K[],
): value is Record<K, string> {
  return isObject(value) && keys.every((key) => typeof value[key] === 'string');
}

function isAgent(value: unknown): value is Agent {
  return (
    hasStrings(value, ['agent_id', 'name', 'type', 'version', 'status', 'desired']) &&
    'conditions' in value &&
    Array.isArray(value.conditions) &&
    'tags' in value &&
    Array.isArray(value.tags)
  );
}

function isFinding(value: unknown): value is FindingRecord {
  return (
    hasStrings(value, [
      'finding_id',
      'agent_id',
      'agent_name',
      'type',
      'severity',
      'status',
      'timestamp',
      'recorded_at',
      'description',
    ]) &&
    'details' in value &&
    isObject(value.details)
  );
}

function isJob(value: unknown): value is Job {
  return (
    hasStrings(value, ['job_id', 'kind', 'state', 'reason', 'created_by', 'created_at']) &&
    'waves' in value &&
    Array.isArray(value.waves) &&
    'gates' in value &&
    isObject(value.gates) &&
    'counts' in value &&
    isObject(value.counts)
  );
}

function isBeat(value: unknown): value is { agent_id: string; timestamp: string } {
  return hasStrings(value, ['agent_id', 'timestamp']);
}
