/** Every bound and every duration of the host, in one place; durations in milliseconds. */
import { availableParallelism } from 'node:os';

export const limits = {
  /** Agents one host keeps; its report stays below the broker's 1 MB message. */
  agents: 1_000,
  /** Characters of a reason in a report. */
  reasonChars: 400,
  /** An agent's log file is rotated at this size, … */
  logBytes: 10 * 1024 * 1024,
  /** … and this many files are kept, the current one included. */
  logFiles: 5,
  /** Lines of the log looked at when an agent dies, and the bytes read for them. */
  tailLines: 50,
  tailBytes: 64 * 1024,
  /** The run file; a larger one is not ours. */
  runFileBytes: 64 * 1024 * 1024,
  /** Variables and characters of an agent's environment layer. */
  envEntries: 500,
  envChars: 128 * 1024,
  /** How often the authorities that agents trust are looked at. */
  authoritiesCheckMs: 2_000,
} as const;

export const timing = {
  /** A launch request without a ticket to fall back on. */
  launchMs: 5_000,
  /** The same when an enrolled agent could start from its last ticket: a hung server must not hold it up. */
  relaunchMs: 1_000,
  /** From spawned to the first heartbeat. */
  startMs: 30_000,
  /** A package that is not what was approved is looked at again after so long: it may be made anew. */
  alteredMs: 5_000,
  /** From SIGTERM to SIGKILL. */
  stopGraceMs: 10_000,
  /** From SIGKILL to giving up until the next attempt. */
  killMs: 5_000,
  /** How often an adopted process is looked at: it is not our child, so nobody tells us. */
  adoptPollMs: 250,
  /** How often silence and start times are checked. */
  tickMs: 1_000,
  /** A tick later than this means that the host itself was stopped: silence does not count. */
  stallMs: 5_000,
  /** Log sizes are looked at this often. */
  rotateMs: 1_000,
  reportMs: 5_000,
  /** Changes closer together than this share a report. */
  reportDebounceMs: 20,
  /** A host that hears nothing from the broker for so long after its start acts on its run file. */
  desiredWaitMs: 5_000,
  /** An agent missing from a complete desired set (a rebuilt broker?) is kept for so long. */
  absentMs: 10_000,
} as const;
export type Timing = { readonly [K in keyof typeof timing]: number };

export const policyLimits = {
  backoffBaseMs: 250,
  backoffCapMs: 60_000,
  /** Ready for so long: the next failure counts as the first. */
  healthyMs: 60_000,
  failures: 5,
  failureWindowMs: 60_000,
  /** Waiting for a server that does not answer launch requests. */
  unansweredCapMs: 5_000,
  missedHeartbeats: 3,
  /** The contract's default, for an agent that does not say its own. Seconds. */
  heartbeatSeconds: 30,
  /** Added to the missed heartbeats: a late one is not a missed one. */
  heartbeatSlackMs: 1_000,
  /** Share of the memory limit that the JavaScript heap may take; the rest is buffers and code. */
  heapShare: 0.75,
} as const;

/** Of the view that a confined agent has of the data folder: it holds mount points only. */
export const sandboxLimits = {
  viewBytes: 256 * 1024,
  viewEntries: 128,
  openFiles: 4_096,
  /** Trying once, at the start of the host, whether this machine can confine. */
  probeMs: 5_000,
} as const;

/** Agents between spawned and ready at one time. */
export function startsInFlight(cores: number = availableParallelism()): number {
  return 2 * Math.max(1, cores);
}
