/** Desired against actual: which one thing to do next for an agent. Pure; asked again after each change. */
import type { DesiredAgent, InstanceState } from '@opmas/protocol';
import { policyLimits } from './limits.ts';

export interface Actual {
  state: InstanceState;
  launched: { generation: number; package_dir: string } | null;
  next_start_at: number | null;
}

export type Step =
  | { do: 'nothing' }
  /** `fresh`: told to by the server, so earlier failures are forgotten. */
  | { do: 'launch'; fresh: boolean }
  | { do: 'stop'; reason: string }
  /** No process, none wanted. */
  | { do: 'settle' }
  | { do: 'forget' }
  | { do: 'wait'; ms: number };

/** `desired` undefined: the key is gone. `now` in epoch ms. */
export function nextStep(desired: DesiredAgent | undefined, actual: Actual, now: number): Step {
  const wanted = desired?.desired === 'running';
  switch (actual.state) {
    case 'starting':
    case 'ready':
      if (desired === undefined) return { do: 'stop', reason: 'removed' };
      if (!wanted) return { do: 'stop', reason: 'stopped on request' };
      return isNewer(desired, actual) ? { do: 'stop', reason: 'restarted on request' } : nothing;
    case 'stopping':
      return { do: 'stop', reason: 'stopping' };
    case 'stopped':
      if (desired === undefined) return { do: 'forget' };
      if (!wanted) return nothing;
      // The host may have stopped it for its own end: then its failures still count.
      return { do: 'launch', fresh: actual.launched === null || isNewer(desired, actual) };
    case 'waiting_config':
    case 'backoff':
    case 'failed': {
      if (desired === undefined) return { do: 'forget' };
      if (!wanted) return { do: 'settle' };
      if (isNewer(desired, actual)) return { do: 'launch', fresh: true };
      if (actual.state === 'waiting_config') return nothing;
      const ms = waitMs(actual.next_start_at, now);
      return ms === 0 ? { do: 'launch', fresh: false } : { do: 'wait', ms };
    }
  }
}

/** A higher generation, or another package: what was launched is not what is wanted. */
export function isNewer(desired: DesiredAgent, actual: Pick<Actual, 'launched'>): boolean {
  const { launched } = actual;
  if (launched === null) return false;
  return desired.generation > launched.generation || desired.package_dir !== launched.package_dir;
}

/** Never longer than the cap, whatever the wall clock did meanwhile. */
function waitMs(nextStartAt: number | null, now: number): number {
  if (nextStartAt === null) return 0;
  return Math.min(Math.max(0, nextStartAt - now), policyLimits.backoffCapMs);
}

const nothing: Step = { do: 'nothing' };
