/** The agent as data: its row, its resource, and how conditions change. */
import type { Agent, AgentStatus, Condition, ConditionType, Desired } from '@opmas/protocol';
import type { Selectable } from 'kysely';
import { timestamp } from '../../kernel/clock.ts';
import type { Tables } from '../../platform/ports.ts';

export type AgentRow = Selectable<Tables['agents']>;

/** A row with what other tables know of the agent. */
export interface AgentView extends AgentRow {
  last_heartbeat: Date | null;
  findings_count: number;
}

export function toAgent(row: AgentView): Agent {
  return {
    agent_id: row.id,
    name: row.name,
    type: row.type,
    version: row.version,
    description: row.description,
    status: row.status as AgentStatus,
    reason: row.reason,
    conditions: row.conditions as Condition[],
    desired: row.desired as Desired,
    replicas: row.replicas,
    last_heartbeat: row.last_heartbeat === null ? null : row.last_heartbeat.toISOString(),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    config_version: row.config_version,
    config_hash: row.config_hash,
    tags: row.tags,
    findings_count: row.findings_count,
    restarts: row.restarts,
    host_id: row.host_id,
    pid: row.pid,
  };
}

/** What a reporter says of one condition: present with a reason, or gone. */
export type ConditionChange =
  | { type: ConditionType; present: false }
  | { type: ConditionType; present: true; reason: string; message: string };

/** Applies changes; `since` of a condition that stays is kept. Returns the same array when nothing changed. */
export function applyConditions(
  current: readonly Condition[],
  changes: readonly ConditionChange[],
  nowMs: number,
): readonly Condition[] {
  let result = current;
  for (const change of changes) {
    const existing = result.find((c) => c.type === change.type);
    if (!change.present) {
      if (existing !== undefined) result = result.filter((c) => c !== existing);
      continue;
    }
    if (existing?.reason === change.reason && existing.message === change.message) continue;
    const next: Condition = {
      type: change.type,
      reason: change.reason,
      message: change.message,
      since: existing?.since ?? timestamp(nowMs),
    };
    result = [...result.filter((c) => c.type !== change.type), next];
  }
  return result;
}
