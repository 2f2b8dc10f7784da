/** What the host needs of the outside: the server's wishes, launch tickets, heartbeats, and a place to report to. */
import type {
  DesiredAgent,
  Heartbeat,
  HostReport,
  LaunchRequest,
  LaunchTicket,
} from '@opmas/protocol';

export interface DesiredListener {
  /** A wish came or changed; undefined: it was deleted. */
  changed(agentId: string, desired: DesiredAgent | undefined): void;
  /** Everything there is has been told; an agent not among `agentIds` is not wanted any more. */
  complete(agentIds: ReadonlySet<string>): void;
}

export interface HostLink {
  isUp(): boolean;
  /** Resolves with undefined when nobody answered in time; never rejects. */
  requestLaunch(request: LaunchRequest, timeoutMs: number): Promise<LaunchTicket | undefined>;
  /** At most once; a report that does not arrive is followed by another. */
  report(report: HostReport): void;
  /** Heartbeats on the agent's subject, whoever sent them. */
  onHeartbeat(agentName: string, hear: (beat: Heartbeat) => void): () => void;
  /** Goes on through broker restarts, and tells the whole set again after each. */
  onDesired(listener: DesiredListener): () => void;
}

/** Wall clock, a clock that never jumps, and timers; all milliseconds. */
export interface Clock {
  now(): number;
  monotonic(): number;
  /** Calls `run` once after `ms`; returns the way to cancel. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface Log {
  debug(data: object, message: string): void;
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}
