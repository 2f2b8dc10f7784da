/** When a dead agent is started again: pure arithmetic, no clock and no randomness of its own. */
import { policyLimits as limits } from './limits.ts';

/** What is remembered of an agent's failures; kept in the run file, so it survives the host. */
export interface Ladder {
  /** Failures in a row, since it was last healthy. */
  attempts: number;
  /** Times of the failures within the window, epoch ms, oldest first, at most `failures` of them. */
  failures_at: number[];
  /** Set by too many failures in the window, cleared only by health or by an operator. */
  crash_loop: boolean;
}

export interface Failure {
  /** Epoch ms. */
  at: number;
  /** How long the instance had been ready; 0 when it never was. */
  readyMs: number;
}

export interface Verdict {
  ladder: Ladder;
  state: 'backoff' | 'failed';
  delayMs: number;
}

export const freshLadder = (): Ladder => ({ attempts: 0, failures_at: [], crash_loop: false });

/**
 * What follows a failure: the first restart at once, then 250 ms doubled each time with full jitter
 * up to a minute; five failures within a minute are a crash loop, retried at the cap until the agent
 * has been ready for a minute. `random` gives numbers in [0, 1).
 */
export function afterFailure(ladder: Ladder, failure: Failure, random: () => number): Verdict {
  const before = failure.readyMs >= limits.healthyMs ? freshLadder() : ladder;
  const attempts = before.attempts + 1;
  const failures_at = [...before.failures_at, failure.at]
    .filter((at) => at > failure.at - limits.failureWindowMs && at <= failure.at)
    .slice(-limits.failures);
  const crash_loop = before.crash_loop || failures_at.length >= limits.failures;
  return {
    ladder: { attempts, failures_at, crash_loop },
    state: crash_loop ? 'failed' : 'backoff',
    delayMs: crash_loop ? limits.backoffCapMs : Math.floor(random() * longestDelayMs(attempts)),
  };
}

/** The upper end of the jitter before restart number `attempts` (1 = the first, at once). */
export function longestDelayMs(attempts: number): number {
  if (attempts <= 1) return 0;
  return Math.min(limits.backoffCapMs, limits.backoffBaseMs * 2 ** Math.min(attempts - 2, 30));
}

/**
 * The wait after launch request number `times` (from 1) that nobody answered. No failure of the
 * agent, so nothing is counted; half of it is jitter, so that a fleet does not ask in step.
 */
export function unansweredDelayMs(times: number, random: () => number): number {
  const full = Math.min(
    limits.unansweredCapMs,
    limits.backoffBaseMs * 2 ** Math.min(times - 1, 30),
  );
  return Math.floor(full / 2 + (random() * full) / 2);
}

/** Silence after which an agent that beats every `seconds` is held to be hung. */
export function silenceLimitMs(seconds: number): number {
  return limits.missedHeartbeats * seconds * 1000 + limits.heartbeatSlackMs;
}

/** `--max-old-space-size` for a memory limit; undefined when there is none. */
export function heapMegabytes(memoryBytes: number | undefined): number | undefined {
  if (memoryBytes === undefined || memoryBytes <= 0) return undefined;
  return Math.max(16, Math.floor((memoryBytes * limits.heapShare) / (1024 * 1024)));
}
