/** The agent's life as a table: a move that is not in it is refused and audited. */
export const AGENT_STATUSES = [
  'discovered',
  'registered',
  'running',
  'stopped',
  'failed',
  'removed',
] as const;
export type AgentStatus = (typeof AGENT_STATUSES)[number];

export const TRANSITIONS: Readonly<Record<AgentStatus, readonly AgentStatus[]>> = {
  discovered: ['registered', 'removed'],
  registered: ['running', 'stopped', 'failed', 'removed'],
  running: ['stopped', 'failed', 'removed'],
  stopped: ['running', 'failed', 'removed'],
  failed: ['running', 'stopped', 'removed'],
  removed: ['discovered', 'registered'],
};

/** May an agent go from `from` to `to`? Staying is always allowed. */
export function mayBecome(from: AgentStatus, to: AgentStatus): boolean {
  return from === to || TRANSITIONS[from].includes(to);
}

/** Finer than the status: why an agent is not simply well. */
export const CONDITIONS = [
  'starting',
  'late',
  'degraded',
  'rule_disabled',
  'offline',
  'backoff',
  'quarantined',
  'unenrolled',
  'config_rejected',
  'config_pending',
  'config_expired',
  'crash_loop',
  'duplicate_identity',
] as const;
export type ConditionType = (typeof CONDITIONS)[number];

export const DESIRED = ['running', 'stopped'] as const;
export type Desired = (typeof DESIRED)[number];

/** Bad configuration (sysexits EX_CONFIG): the host waits for a new one instead of restarting. */
export const EXIT_CONFIG = 78;
