/** What must hold for the next wave: failures, error rate, findings. Pure. */
import type { JobGateReading, JobGates } from '@opmas/protocol';
import { jobLimits } from './limits.ts';

/** Counted over the agents of one wave. */
export interface Measured {
  /** Who failed while the wave was in progress. */
  failures: readonly { name: string; reason: string | null }[];
  /** Since the wave had the change; undefined: no agent has reported since. */
  work: { events: number; errors: number } | undefined;
  /** While it was watched, and in the same time before. */
  findings: { before: number; now: number } | undefined;
}

export function failuresGate(gates: JobGates, failures: Measured['failures']): JobGateReading {
  const limit = gates.max_failures;
  const closed = failures.length > limit;
  return {
    gate: 'failures',
    limit,
    reading: failures.length,
    closed,
    detail: failures.length === 0 ? null : `${describe(failures)}; allowed: ${limit}`,
  };
}

/** All gates that are asked for, once a wave has been watched for its time. */
export function readGates(gates: JobGates, measured: Measured): JobGateReading[] {
  return [
    failuresGate(gates, measured.failures),
    ...(gates.max_error_rate === null ? [] : [errorGate(gates.max_error_rate, measured.work)]),
    ...(gates.max_findings_change === null
      ? []
      : [findingsGate(gates.max_findings_change, measured.findings)]),
  ];
}

/** A rate that was asked for and cannot be read is not within its bound. */
function errorGate(limit: number, work: Measured['work']): JobGateReading {
  if (work === undefined) {
    return {
      gate: 'error_rate',
      limit,
      reading: null,
      closed: true,
      detail:
        'no agent of the wave reported metrics while it was watched: give it a longer deadline, or leave this gate out',
    };
  }
  const { events, errors } = work;
  const reading = errors === 0 ? 0 : errors / Math.max(errors, events);
  return {
    gate: 'error_rate',
    limit,
    reading,
    closed: reading > limit,
    detail: `${errors} errors, ${events} events`,
  };
}

/** With none before, each finding counts as a whole: any division by nothing is avoided. */
function findingsGate(limit: number, findings: Measured['findings']): JobGateReading {
  const { before, now } = findings ?? { before: 0, now: 0 };
  const reading = Math.abs(now - before) / Math.max(1, before);
  return {
    gate: 'findings_change',
    limit,
    reading,
    closed: reading > limit,
    detail: `${now} findings, ${before} in the same time before`,
  };
}

/** `the gate failures closed: 2 agents failed (a: rejected …; b: …); allowed: 0` */
export function closedText(readings: readonly JobGateReading[]): string | undefined {
  const closed = readings.find((each) => each.closed);
  return closed === undefined
    ? undefined
    : `the gate ${closed.gate} closed: ${closed.detail ?? `${closed.reading}, allowed: ${closed.limit}`}`;
}

function describe(failures: Measured['failures']): string {
  const named = failures
    .slice(0, jobLimits.namedAgents)
    .map(({ name, reason }) => `${name}: ${(reason ?? 'failed').slice(0, 200)}`);
  const more = failures.length > named.length ? `; and ${failures.length - named.length} more` : '';
  const who = failures.length === 1 ? '1 agent failed' : `${failures.length} agents failed`;
  return `${who} (${named.join('; ')}${more})`;
}
