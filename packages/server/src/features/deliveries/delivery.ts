/** Where the delivery of a configuration stands, derived from what instances report and from the clock. Pure. */
import type { Condition, ConditionType, ConfigFault } from '@opmas/protocol';
import type { Selectable } from 'kysely';
import type { Tables } from '../../platform/ports.ts';
import type { ConditionChange } from '../agents/index.ts';

export const DELIVERY_STATES = ['pending', 'applied', 'rejected', 'expired'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export type DeliveryRow = Selectable<Tables['config_deliveries']>;

/** What an instance last said of its configuration. */
export interface InstanceWord {
  instance_id: string;
  running_hash: string | null;
  /** The hash it tried last; with `errors`, in vain. */
  attempted_hash: string | null;
  errors: ConfigFault[];
  /** The last one that it was well with, or would go back to; null as long as it does not say. */
  healthy_hash: string | null;
  healthy_version: number | null;
  /** Seconds between its heartbeats. */
  interval_s: number;
  first_heard: Date;
  last_heard: Date;
}

/** A delivery with all it is judged by. */
export interface Case {
  delivery: DeliveryRow;
  agent: {
    name: string;
    status: string;
    desired: string;
    replicas: number;
    conditions: readonly Condition[];
    topics: readonly string[];
  };
  instances: readonly InstanceWord[];
  /** Instances that others have followed in their slots. */
  former: readonly string[];
}

/** Words are written at least this often, however little changes. */
export const REPORT_REFRESH_MS = 60_000;
/** Heartbeats an instance may miss before it counts no longer. */
const MISSED_BEATS = 3;
/** A delivery that takes longer than this is shown on the agent. */
const QUIET_MS = 3_000;
const FIRST_RETRY_MS = 1_000;

/** How long after the `attempts`-th message the next one follows. */
export function retryAfterMs(attempts: number): number {
  return FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 10);
}

/** Is there an agent that could take a configuration, or is about to start and fetch it? */
export function isReachable({ status, desired }: Case['agent']): boolean {
  return desired === 'running' && status !== 'discovered' && status !== 'removed';
}

/** The instances that count: heard lately, not followed by others, no more than there are replicas. */
export function livingInstances(given: Case, nowMs: number): InstanceWord[] {
  const fresh = given.instances.filter(
    (each) =>
      !given.former.includes(each.instance_id) &&
      nowMs - each.last_heard.getTime() <=
        REPORT_REFRESH_MS + MISSED_BEATS * each.interval_s * 1_000,
  );
  return fresh
    .toSorted((a, b) => b.first_heard.getTime() - a.first_heard.getTime())
    .slice(0, Math.max(1, given.agent.replicas));
}

export interface Judgement {
  state: DeliveryState;
  errors: ConfigFault[];
  /** Taken up again: it is to be offered anew, with a new deadline. */
  reopened: boolean;
}

/** What the delivery is now; the same as before when nothing says otherwise. */
export function judge(given: Case, nowMs: number): Judgement {
  const { delivery } = given;
  const wanted = delivery.desired_hash;
  const living = livingInstances(given, nowMs);
  const asBefore: Judgement = {
    state: delivery.state as DeliveryState,
    errors: delivery.errors,
    reopened: false,
  };
  const isLate = delivery.deadline !== null && delivery.deadline.getTime() <= nowMs;
  if (living.length > 0 && living.every((each) => each.running_hash === wanted)) {
    // Who has refused another one meanwhile is told all the same: it is not wanted any more.
    const mustHear =
      delivery.state === 'pending' &&
      living.some((each) => each.errors.length > 0 && each.attempted_hash !== wanted);
    return mustHear && !isLate ? asBefore : { state: 'applied', errors: [], reopened: false };
  }
  if (delivery.state === 'rejected') return asBefore;
  const faults = refusal(given, living);
  if (faults !== undefined) return { state: 'rejected', errors: faults, reopened: false };
  const others = living.filter((each) => each.running_hash !== wanted);
  if (delivery.state === 'pending') {
    if (!isLate) return asBefore;
    // What kept it from being told says more than the silence that followed.
    const errors = delivery.errors.length > 0 ? delivery.errors : [whyNot(others)];
    return { state: 'expired', errors, reopened: false };
  }
  // An agent that speaks, and runs something else, is told again: at most once for each time it speaks.
  const settled = delivery.settled_at?.getTime() ?? 0;
  const spoke = others.some(
    (each) => each.running_hash !== null && each.last_heard.getTime() > settled,
  );
  return spoke ? { state: 'pending', errors: [], reopened: true } : asBefore;
}

/** Why an instance, or the host that cannot start one, will not have the desired configuration. */
function refusal(given: Case, living: readonly InstanceWord[]): ConfigFault[] | undefined {
  const { delivery, agent } = given;
  const by = living.find(
    (each) =>
      // Of a try that was asked for only the answer to it counts, not what is said of the one before.
      !delivery.forced &&
      each.attempted_hash === delivery.desired_hash &&
      each.running_hash !== delivery.desired_hash &&
      each.errors.length > 0,
  );
  if (by !== undefined) return by.errors;
  const exit = agent.conditions.find(
    ({ type, reason }) => type === 'config_rejected' && reason === EXIT_REASON,
  );
  const since = delivery.offered_at ?? delivery.since;
  if (agent.status !== 'failed' || exit === undefined) return undefined;
  return Date.parse(exit.since) >= since.getTime()
    ? [{ path: '', message: exit.message }]
    : undefined;
}

/** The host's word that the agent ended because of its configuration. */
const EXIT_REASON = 'exit_78';

function whyNot(others: readonly InstanceWord[]): ConfigFault {
  const [first] = others;
  if (first === undefined) {
    return {
      path: '',
      message: 'No instance was heard: it takes the configuration when it is back',
    };
  }
  const who = first.instance_id === '' ? 'The agent' : `Instance ${first.instance_id}`;
  const told = first.errors[0];
  if (told !== undefined) return { path: told.path, message: `${who}: ${told.message}` };
  return first.running_hash === null
    ? { path: '', message: `${who} does not say which configuration it runs` }
    : { path: '', message: `${who} has not answered and runs ${first.running_hash.slice(0, 12)}` };
}

/** The whole delivery in one sentence; null when there is nothing to say. */
export function reasonOf(given: Pick<Case, 'delivery' | 'agent'>): string | null {
  const { delivery, agent } = given;
  if (delivery.state === 'applied') return null;
  if (delivery.state !== 'pending') return describe(delivery.errors);
  if (!isReachable(agent)) return 'The agent does not run: it takes the configuration at its start';
  if (delivery.errors.length > 0) return describe(delivery.errors);
  if (delivery.offered_at === null) return 'Waits for its turn';
  return 'Told; no answer yet';
}

function describe(errors: readonly ConfigFault[]): string {
  const [first] = errors;
  if (first === undefined) return 'No reason was given';
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return `${first.path === '' ? '' : `${first.path}: `}${first.message}${more}`;
}

/** Changes that make the agent's conditions say where the delivery stands; none when they do. */
export function conditionChanges(given: Case, judged: Judgement, nowMs: number): ConditionChange[] {
  const wanted = wantedCondition(given, judged, nowMs);
  const present = new Map(given.agent.conditions.map((each) => [each.type, each]));
  const changes: ConditionChange[] = [];
  for (const type of ['config_rejected', 'config_pending', 'config_expired'] as const) {
    const there = present.get(type);
    if (wanted?.type === type) {
      if (there?.message === wanted.message) continue;
      changes.push({ ...wanted, present: true });
    } else if (there !== undefined) {
      // What the host says of an agent that does not start is taken back by a start alone.
      if (there.reason === EXIT_REASON && judged.state !== 'applied') continue;
      changes.push({ type, present: false });
    }
  }
  return changes;
}

function wantedCondition(
  given: Case,
  { state, errors }: Judgement,
  nowMs: number,
): { type: ConditionType; reason: string; message: string } | undefined {
  const { delivery, agent } = given;
  const message = describe(errors).slice(0, 1_024).toWellFormed();
  if (state === 'rejected') {
    return { type: 'config_rejected', reason: 'rejected_by_agent', message };
  }
  // Whoever does not run is not unwell for not answering.
  if (state === 'applied' || agent.status !== 'running') return undefined;
  // Nor is one that says nothing of its configuration: it is only not known what it runs. Silence has its own
  // condition.
  if (livingInstances(given, nowMs).every((each) => each.running_hash === null)) return undefined;
  if (state === 'expired') return { type: 'config_expired', reason: 'no_answer', message };
  if (delivery.expiries > 0) {
    return { type: 'config_expired', reason: 'no_answer', message: 'Not confirmed; told again' };
  }
  const told = delivery.offered_at?.getTime();
  if (told === undefined || nowMs - told < QUIET_MS) return undefined;
  return { type: 'config_pending', reason: 'no_answer_yet', message: 'Told; no answer yet' };
}
