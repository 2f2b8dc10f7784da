// A whole job for the tests of this folder, with what a test cares about put over it.
import type { Job, JobCounts } from '@opmas/protocol';

export function someCounts(over: Partial<JobCounts> = {}): JobCounts {
  return {
    pending: 0,
    running: 0,
    done: 0,
    failed: 0,
    expired: 0,
    skipped: 0,
    rolled_back: 0,
    ...over,
  };
}

export function aJob(over: Partial<Job> = {}): Job {
  return {
    job_id: '0197a8d0-0000-7000-8000-000000000001',
    kind: 'rollout',
    state: 'running',
    reason: 'Wave 1 (canary) is under way',
    deadline: '2026-11-21T09:05:00.000Z',
    purpose: null,
    scope: 'fleet',
    from_version: 3,
    to_version: 4,
    back_version: null,
    action: null,
    arguments: null,
    selector: null,
    wave: 1,
    waves: [],
    gates: {
      max_failures: 0,
      max_error_rate: null,
      max_findings_change: null,
      settle_seconds: 30,
    },
    on_failure: 'rollback',
    pause_between: false,
    deadline_seconds: 300,
    agents: 12,
    counts: someCounts({ done: 1, pending: 11 }),
    created_by: 'admin',
    created_at: '2026-11-21T09:00:00.000Z',
    started_at: '2026-11-21T09:00:01.000Z',
    ended_at: null,
    retry_of: null,
    draft_id: null,
    ...over,
  };
}
