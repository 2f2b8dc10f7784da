/** What has become of one agent, by what is known of it now and what was known before its turn. Pure. */
import type { Condition, ConfigFault, JobOutcome } from '@opmas/protocol';
import type { Before } from './job.ts';

/** An agent as it is now. */
export interface Facts {
  id: string;
  name: string;
  type: string;
  status: string;
  desired: string;
  reason: string | null;
  conditions: readonly Condition[];
  restarts: number;
  config_hash: string | null;
  instance_id: string | null;
  /** No host of ours runs it. */
  isElsewhere: boolean;
  delivery: Delivery | undefined;
  action: { state: string; reason: string | null } | undefined;
}

export interface Delivery {
  desired_hash: string;
  state: string;
  errors: readonly ConfigFault[];
}

export interface Verdict {
  outcome: Exclude<JobOutcome, 'pending' | 'running'>;
  reason: string | null;
}

/** Conditions that say that something is wrong; the others pass by themselves. */
const BAD: ReadonlySet<string> = new Set([
  'backoff',
  'crash_loop',
  'config_rejected',
  'config_expired',
  'offline',
  'degraded',
  'quarantined',
  'duplicate_identity',
]);
/** An agent with one of these cannot show whether a change is good. */
const EXCUSING = ['backoff', 'crash_loop', 'config_rejected', 'config_expired', 'offline'];

export function badConditions(conditions: readonly Condition[]): string[] {
  return conditions.map(({ type }) => type).filter((type) => BAD.has(type));
}

export function beforeOf(facts: Facts): Before {
  const { status, restarts, instance_id } = facts;
  return { status, restarts, instance_id, conditions: badConditions(facts.conditions) };
}

/** It did not run, or not well, before its turn came: what becomes of it says nothing of the change. */
export function isExcused({ status, conditions }: Before): boolean {
  return (
    status === 'failed' ||
    status === 'stopped' ||
    conditions.some((each) => EXCUSING.includes(each))
  );
}

/** Its process was being started again and again before. */
const wasRestarting = ({ status, conditions }: Before): boolean =>
  status === 'failed' || conditions.includes('backoff') || conditions.includes('crash_loop');

/** Does it run, or is it about to? Who does not takes a change at its next start. */
export function isUp({ status, desired }: Pick<Facts, 'status' | 'desired'>): boolean {
  return desired === 'running' && status !== 'discovered' && status !== 'removed';
}

/** What is wrong now that was not before; undefined when nothing is. */
export function newFailure(before: Before, now: Facts): string | undefined {
  if (now.status === 'failed' && before.status !== 'failed') {
    return now.reason ?? 'it has failed';
  }
  const bad = now.conditions.find(({ type }) => BAD.has(type) && !before.conditions.includes(type));
  if (bad !== undefined) return `${bad.type}: ${bad.message}`;
  if (wasRestarting(before)) return undefined;
  const starts = now.restarts - before.restarts;
  if (starts > 0) {
    return `its process ended and was started again${starts === 1 ? '' : ` ${starts} times`}`;
  }
  const isOther =
    now.isElsewhere &&
    before.instance_id !== null &&
    now.instance_id !== null &&
    now.instance_id !== before.instance_id;
  return isOther ? 'its process was started anew on its machine' : undefined;
}

const GONE: Verdict = { outcome: 'skipped', reason: 'It was removed' };

/** Its delivery, when it is one of what the agent shall run now. */
function current({ delivery, config_hash }: Facts): Delivery | undefined {
  return delivery?.desired_hash === config_hash ? delivery : undefined;
}

/** Of an agent that was given the new configuration; undefined: not known yet. */
export function afterConfig(before: Before, now: Facts): Verdict | undefined {
  if (now.status === 'removed') return GONE;
  const delivery = current(now);
  const failed = (outcome: 'failed' | 'expired', reason: string): Verdict =>
    isExcused(before)
      ? { outcome: 'skipped', reason: `It had failed before its turn came; now: ${reason}` }
      : { outcome, reason };
  if (delivery?.state === 'rejected') return failed('failed', `rejected: ${first(delivery)}`);
  if (!isUp(now)) return { outcome: 'skipped', reason: NEXT_START };
  if (delivery?.state === 'expired') return failed('expired', first(delivery));
  const wrong = newFailure(before, now);
  if (wrong !== undefined) return failed('failed', wrong);
  return delivery?.state === 'applied' ? { outcome: 'done', reason: null } : undefined;
}

export const NEXT_START = 'It does not run; it takes the change at its next start';

/** Of an agent that had taken the change, and is watched; undefined: all is well. */
export function whileWatched(before: Before, now: Facts): Verdict | undefined {
  if (now.status === 'removed') return undefined;
  const delivery = current(now);
  if (delivery?.state === 'rejected') {
    return { outcome: 'failed', reason: `given up: ${first(delivery)}` };
  }
  const wrong = newFailure(before, now);
  return wrong === undefined ? undefined : { outcome: 'failed', reason: wrong };
}

/** Of an agent that shall go back to the old configuration; undefined: not known yet. */
export function afterReturn(now: Facts): Verdict | undefined {
  if (now.status === 'removed') return GONE;
  if (!isUp(now)) {
    return {
      outcome: 'rolled_back',
      reason: 'It does not run; it takes the old one at its next start',
    };
  }
  return current(now)?.state === 'applied' && now.status !== 'failed'
    ? { outcome: 'rolled_back', reason: null }
    : undefined;
}

/** It will not confirm what it shall run now, but by something that nobody can wait for. */
export function isHopeless(now: Facts | undefined): boolean {
  const state = now === undefined ? undefined : current(now)?.state;
  return state === 'rejected' || state === 'expired';
}

/** Of an agent that was sent a command; undefined: not known yet. */
export function afterCommand(before: Before, now: Facts): Verdict | undefined {
  if (now.status === 'removed') return GONE;
  switch (now.action?.state) {
    case 'done':
      return { outcome: 'done', reason: null };
    case 'failed':
    case 'expired': {
      const reason = now.action.reason ?? 'no reason was given';
      if (now.action.state === 'failed' && before.status === 'failed') {
        return { outcome: 'skipped', reason: `It had failed before its turn came; now: ${reason}` };
      }
      return { outcome: now.action.state, reason };
    }
    default:
      return undefined;
  }
}

/** It works with what it was told, also when something went wrong with it since. */
export function hasTaken(actionId: string | null, now: Facts | undefined): boolean {
  if (now === undefined) return false;
  return actionId === null ? current(now)?.state === 'applied' : now.action?.state === 'done';
}

function first({ errors: [error] }: Delivery): string {
  if (error === undefined) return 'no reason was given';
  return error.path === '' ? error.message : `${error.path}: ${error.message}`;
}
