// Samples for the tests of this package: a whole resource, with what a test cares about put over it.
import type { Agent, FindingRecord } from '@opmas/protocol';

export function anAgent(over: Partial<Agent> = {}): Agent {
  return {
    agent_id: 'security-1',
    name: 'security_agent',
    type: 'security',
    version: '1.0.0',
    description: 'Watches logins',
    status: 'running',
    reason: null,
    conditions: [],
    desired: 'running',
    replicas: 1,
    last_heartbeat: '2026-11-21T09:00:00.000Z',
    created_at: '2026-11-21T08:00:00.000Z',
    updated_at: '2026-11-21T09:00:00.000Z',
    config_version: 1,
    config_hash: null,
    tags: [],
    findings_count: 0,
    restarts: 0,
    host_id: 'local',
    pid: 42,
    ...over,
  };
}

/** `n` orders: a higher one was recorded later. */
export function aFinding(n: number, over: Partial<FindingRecord> = {}): FindingRecord {
  const at = new Date(Date.UTC(2026, 10, 21, 9, 0, n)).toISOString();
  return {
    finding_id: `f${String(n).padStart(4, '0')}`,
    agent_id: 'security-1',
    agent_name: 'security_agent',
    type: 'failed_login',
    severity: 'warning',
    status: 'open',
    timestamp: at,
    recorded_at: at,
    topic: 'findings.security',
    description: `Bad password ${n}`,
    details: { event: { host: 'attic', message: `Bad password attempt ${n}` } },
    ...over,
  };
}
