// What is done to the chosen agents: which of it is offered, and the request it means.
import type { Agent, JobAction } from '@opmas/protocol';
import type { JobBody } from '../api/jobs.ts';
import type { Me } from '../api/resources.ts';
import { mayFor } from '../lib/grants.ts';
import { limits } from '../limits.ts';
import { jobsText } from '../text/jobs.ts';
import { ACTION_NEEDS } from './model.ts';
import { newPlan, type PlanFaults, type PlanInput, readPlan } from './plan.ts';

export const ACTIONS = [
  'start',
  'stop',
  'restart',
  'log-level',
  'tags',
] as const satisfies readonly JobAction[];

export const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const;

export interface BulkInput {
  level: (typeof LEVELS)[number];
  /** Minutes; empty: until somebody changes it. */
  expires: string;
  add: readonly string[];
  remove: readonly string[];
  reason: string;
  plan: PlanInput;
}

export interface BulkFaults {
  expires?: string;
  tags?: string;
  plan: PlanFaults;
}

/** What is watched afterwards is what may fail later: only what begins anew. */
const WATCH_SECONDS = { start: 30, stop: 0, restart: 30, 'log-level': 0, tags: 0 } as const;

export function newBulk(action: JobAction): BulkInput {
  return {
    level: 'debug',
    expires: action === 'log-level' ? '60' : '',
    add: [],
    remove: [],
    reason: '',
    plan: newPlan('stop', WATCH_SECONDS[action]),
  };
}

type Chosen = Pick<Agent, 'agent_id' | 'type' | 'tags'>;

/** Those that are granted for each of the chosen agents, with the right to start jobs on it. */
export function offered(
  me: Pick<Me, 'grants'> | undefined,
  agents: readonly Chosen[],
): JobAction[] {
  const may = (permission: string) => agents.every((agent) => mayFor(me, permission, agent));
  return agents.length > 0 && may('jobs:write')
    ? ACTIONS.filter((action) => may(ACTION_NEEDS[action]))
    : [];
}

const faultWords = jobsText.bulk.faults;

export function readBulk(
  action: JobAction,
  agentIds: readonly string[],
  input: BulkInput,
): { ok: true; body: JobBody } | { ok: false; faults: BulkFaults } {
  const plan = readPlan(input.plan);
  const given = argumentsOf(action, input);
  if (!plan.ok || !given.ok) {
    return {
      ok: false,
      faults: { plan: plan.ok ? {} : plan.faults, ...(given.ok ? {} : given.faults) },
    };
  }
  const reason = input.reason.trim();
  return {
    ok: true,
    body: {
      kind: 'action',
      action,
      agent_ids: [...agentIds],
      ...(given.value === undefined ? {} : { arguments: given.value }),
      ...(reason ? { reason } : {}),
      ...plan.plan,
    },
  };
}

type Arguments =
  | { ok: true; value: JobBody['arguments'] }
  | { ok: false; faults: Omit<BulkFaults, 'plan'> };

function argumentsOf(action: JobAction, { level, expires, add, remove }: BulkInput): Arguments {
  if (action === 'log-level') {
    const text = expires.trim();
    if (text === '') return { ok: true, value: { level } };
    const minutes = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    return minutes >= 1 && minutes <= limits.logLevelMinutes
      ? { ok: true, value: { level, expires_in: minutes * 60 } }
      : { ok: false, faults: { expires: faultWords.expires } };
  }
  if (action !== 'tags') return { ok: true, value: undefined };
  if (add.length === 0 && remove.length === 0) {
    return { ok: false, faults: { tags: faultWords.tags } };
  }
  const both = add.find((tag) => remove.includes(tag));
  if (both !== undefined) return { ok: false, faults: { tags: faultWords.both(both) } };
  return {
    ok: true,
    value: {
      ...(add.length > 0 ? { add: [...add] } : {}),
      ...(remove.length > 0 ? { remove: [...remove] } : {}),
    },
  };
}
