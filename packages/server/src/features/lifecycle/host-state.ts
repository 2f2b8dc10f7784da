/** What a host's report of one instance means for its agent: pure. */
import {
  type AgentStatus,
  type Condition,
  type InstanceReport,
  PACKAGE_ALTERED,
} from '@opmas/protocol';
import type { AgentRow, Change, ConditionChange } from '../agents/index.ts';

const absent = (type: ConditionChange['type']): ConditionChange => ({ type, present: false });

const EXIT_REASON = 'exit_78';

/**
 * It is started again: what it ended for last time is not said of this time. If it ends so again that is told as new,
 * also in the same words: of which configuration it is said shows in when.
 */
function withoutExit({ conditions }: AgentRow): ConditionChange[] {
  const hasExited = (conditions as Condition[]).some(
    ({ type, reason }) => type === 'config_rejected' && reason === EXIT_REASON,
  );
  return hasExited ? [absent('config_rejected')] : [];
}

/** Did the host refuse to start it because its files are not those that were approved? */
export function isAltered(reason: string | null): boolean {
  return reason?.startsWith(PACKAGE_ALTERED) ?? false;
}

/** The change an instance's state asks for; the caller checks that the move is legal. */
export function changeFor(agent: AgentRow, report: InstanceReport): Change {
  const set = {
    pid: report.pid,
    instance_id: report.instance_id,
    restarts: report.restarts,
  };
  const why = report.reason ?? '';
  const status = statusFor(agent.status as AgentStatus, report);
  switch (report.state) {
    case 'ready':
      return {
        status,
        reason: null,
        conditions: [
          absent('starting'),
          absent('backoff'),
          absent('crash_loop'),
          absent('quarantined'),
          ...withoutExit(agent),
        ],
        set,
      };
    case 'starting':
      return {
        status,
        conditions: [
          { type: 'starting', present: true, reason: 'starting', message: why || 'Starting' },
          absent('backoff'),
          ...withoutExit(agent),
        ],
        set,
      };
    case 'backoff':
      return {
        status,
        reason: why || 'The process ended; it is started again',
        conditions: [
          absent('starting'),
          {
            type: 'backoff',
            present: true,
            reason: 'process_ended',
            message:
              report.next_start_at === null ? why : `${why}; next start at ${report.next_start_at}`,
          },
        ],
        set,
      };
    case 'failed':
      return {
        status,
        reason: why || 'The process keeps failing',
        conditions: [
          absent('starting'),
          isAltered(why)
            ? { type: 'quarantined', present: true, reason: PACKAGE_ALTERED, message: why }
            : { type: 'crash_loop', present: true, reason: 'crash_loop', message: why },
        ],
        set,
      };
    case 'waiting_config':
      return {
        status,
        reason: why || 'The configuration is not usable; it waits for a new one',
        conditions: [
          absent('starting'),
          { type: 'config_rejected', present: true, reason: EXIT_REASON, message: why },
        ],
        set,
      };
    case 'stopping':
      return { reason: why || 'Stopping', set };
    case 'stopped':
      return {
        status,
        ...(status === 'registered' ? {} : { reason: why || 'Stopped' }),
        conditions: [
          'starting',
          'backoff',
          'crash_loop',
          'late',
          'offline',
          'degraded',
          'quarantined',
        ].map((type) => absent(type as ConditionChange['type'])),
        set,
      };
  }
}

/** A crash that is being healed leaves `running` in place; `failed` is said by the host alone. */
function statusFor(current: AgentStatus, report: InstanceReport): AgentStatus {
  if (current === 'removed' || current === 'discovered') return current;
  switch (report.state) {
    case 'ready':
      return 'running';
    case 'failed':
    case 'waiting_config':
      return 'failed';
    case 'stopped':
      // A host that has not launched it yet says `stopped` of an agent that only waits for its start.
      return current === 'registered' && report.instance_id === null ? current : 'stopped';
    default:
      return current;
  }
}
