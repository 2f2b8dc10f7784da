// What an agent's status and conditions come to: one word, how bad it is, why, and what to do next.
import type { Agent, AgentStatus, Condition, ConditionType } from '@opmas/protocol';
import { text } from '../text.ts';

export type Tone = 'good' | 'busy' | 'idle' | 'warn' | 'bad';
export type Group = 'attention' | 'running' | 'starting' | 'stopped' | 'removed';
export type StandingKey = ConditionType | AgentStatus | 'should_run';

export interface Standing {
  key: StandingKey;
  tone: Tone;
  group: Group;
  /** Higher is worse. */
  rank: number;
  reason: string | null;
  since: string | null;
  /** The command to type next, for what is not well. */
  hint: string | null;
}

interface Row {
  rank: number;
  tone: Tone;
  group: Group;
  hint?: (name: string) => string;
}

const ROWS: Readonly<Record<StandingKey, Row>> = {
  quarantined: { rank: 100, tone: 'bad', group: 'attention', hint: text.hints.inspect },
  duplicate_identity: { rank: 97, tone: 'bad', group: 'attention', hint: text.hints.inspect },
  crash_loop: { rank: 95, tone: 'bad', group: 'attention', hint: text.hints.logs },
  failed: { rank: 90, tone: 'bad', group: 'attention', hint: text.hints.logs },
  config_rejected: { rank: 85, tone: 'bad', group: 'attention', hint: text.hints.config },
  offline: { rank: 80, tone: 'bad', group: 'attention', hint: text.hints.restart },
  unenrolled: { rank: 75, tone: 'bad', group: 'attention', hint: text.hints.approve },
  backoff: { rank: 70, tone: 'warn', group: 'attention', hint: text.hints.logs },
  config_expired: { rank: 68, tone: 'warn', group: 'attention', hint: text.hints.delivery },
  degraded: { rank: 65, tone: 'warn', group: 'attention', hint: text.hints.inspect },
  rule_disabled: { rank: 63, tone: 'warn', group: 'attention', hint: text.hints.inspect },
  late: { rank: 60, tone: 'warn', group: 'attention', hint: text.hints.inspect },
  should_run: { rank: 55, tone: 'warn', group: 'attention', hint: text.hints.start },
  config_pending: { rank: 45, tone: 'busy', group: 'running', hint: text.hints.delivery },
  starting: { rank: 40, tone: 'busy', group: 'starting' },
  registered: { rank: 35, tone: 'busy', group: 'starting' },
  discovered: { rank: 30, tone: 'busy', group: 'starting' },
  running: { rank: 20, tone: 'good', group: 'running' },
  stopped: { rank: 10, tone: 'idle', group: 'stopped' },
  removed: { rank: 0, tone: 'idle', group: 'removed' },
};

export const GROUPS = [
  'attention',
  'running',
  'starting',
  'stopped',
  'removed',
] as const satisfies readonly Group[];

export function standing(agent: Agent): Standing {
  const base = ofStatus(agent);
  // Whoever is gone, or stopped on purpose, is not unwell for being silent.
  const isAtRest = base === 'removed' || base === 'stopped';
  const worst = isAtRest ? undefined : worstCondition(agent.conditions);
  if (worst && ROWS[worst.type].rank > ROWS[base].rank) {
    return describe(worst.type, agent, worst.message || worst.reason, worst.since);
  }
  const why = base === 'running' ? null : agent.reason;
  return describe(base, agent, why ?? worst?.message ?? null, null);
}

function ofStatus(agent: Agent): StandingKey {
  if (agent.status === 'stopped' && agent.desired === 'running') return 'should_run';
  // A status this page does not know yet, from a newer server, is shown as one to look at.
  return agent.status in ROWS ? agent.status : 'degraded';
}

function worstCondition(conditions: readonly Condition[]): Condition | undefined {
  return conditions
    .filter((condition) => condition.type in ROWS)
    .reduce<Condition | undefined>(
      (worst, next) => (worst && ROWS[worst.type].rank >= ROWS[next.type].rank ? worst : next),
      undefined,
    );
}

function describe(
  key: StandingKey,
  agent: Agent,
  reason: string | null,
  since: string | null,
): Standing {
  const { rank, tone, group, hint } = ROWS[key];
  return { key, rank, tone, group, reason, since, hint: hint?.(agent.name) ?? null };
}
