/** The agents' one writer: every change of status, desire or condition goes through here. */
import {
  type Agent,
  type AgentStatus,
  type Condition,
  type Desired,
  mayBecome,
} from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Reach } from '../../kernel/grants.ts';
import { type Page, type PageRequest, pageOf } from '../../kernel/paging.ts';
import type { Caller } from '../../operation.ts';
import type { Executor } from '../../platform/ports.ts';
import { type AuditLog, SYSTEM } from '../audit/index.ts';
import { addToOutbox } from '../outbox/index.ts';
import {
  type AgentRow,
  type AgentView,
  applyConditions,
  type ConditionChange,
  toAgent,
} from './agent.ts';
import * as store from './agents.store.ts';

export interface Change {
  status?: AgentStatus;
  /** One sentence; null clears it. */
  reason?: string | null;
  conditions?: readonly ConditionChange[];
  desired?: Desired;
  /** A new generation makes the host act again, also on unchanged content. */
  bump?: boolean;
  set?: store.AgentUpdate;
}

export interface ChangeOptions {
  caller?: Pick<Caller, 'kind' | 'id' | 'name'>;
}

/** Tells the page and the alerts: the whole resource, so that no listener has to ask back. */
export const AGENT_EVENT = 'agent.status';

export function createAgentsService(options: {
  audit: AuditLog;
  clock: Clock;
  /** What selectors look at changed; in the transaction, with the agent locked. */
  relabelled?: (db: Executor, id: string) => Promise<unknown>;
}) {
  const { audit, clock, relabelled } = options;

  async function get(db: Executor, id: string): Promise<AgentView> {
    const row = await store.agentView(db, id);
    if (row === undefined) throw new OpmasError('OPMAS_AGENT_NOT_FOUND', `No agent ${id}`);
    return row;
  }

  async function announce(db: Executor, id: string): Promise<void> {
    await addToOutbox(db, AGENT_EVENT, toAgent(await get(db, id)));
  }

  /**
   * The row, locked for the rest of the transaction: what is decided from it still holds at the commit.
   * @throws {OpmasError} OPMAS_AGENT_NOT_FOUND
   */
  async function lock(db: Executor, id: string): Promise<AgentRow> {
    const row = await store.lockAgent(db, id);
    if (row === undefined) throw new OpmasError('OPMAS_AGENT_NOT_FOUND', `No agent ${id}`);
    return row;
  }

  /**
   * Applies `change` under a lock on the row. A move the lifecycle table does not have is refused.
   * Writes nothing when nothing differs.
   * @returns the row before the change
   * @throws {OpmasError} OPMAS_AGENT_NOT_FOUND, OPMAS_ILLEGAL_TRANSITION
   */
  async function change(
    db: Executor,
    id: string,
    wanted: Change,
    options: ChangeOptions = {},
  ): Promise<AgentRow> {
    const row = await lock(db, id);
    const set = difference(row, wanted, clock.now());
    if (wanted.status !== undefined && !mayBecome(row.status as AgentStatus, wanted.status)) {
      throw new OpmasError(
        'OPMAS_ILLEGAL_TRANSITION',
        `${row.name} is ${row.status} and cannot become ${wanted.status}`,
      );
    }
    if (Object.keys(set).length === 0) return row;
    await store.updateAgent(db, id, { ...set, updated_at: new Date(clock.now()) });
    if (wanted.status !== undefined && wanted.status !== row.status) {
      await audit.record(db, {
        caller: options.caller ?? SYSTEM,
        action: 'agents.transition',
        object: id,
        outcome: 'ok',
        details: { from: row.status, to: wanted.status, reason: wanted.reason ?? null },
      });
    }
    if (Object.hasOwn(set, 'tags')) await relabelled?.(db, id);
    await announce(db, id);
    return row;
  }

  return {
    get,
    lock,
    change,
    announce,

    async find(db: Executor, id: string): Promise<Agent> {
      return toAgent(await get(db, id));
    },

    async list(
      db: Executor,
      query: PageRequest & store.AgentFilter,
      reach: Reach,
    ): Promise<Page<Agent>> {
      return pageOf(query, {
        rows: (limit, after) => store.listAgents(db, { ...query, reach }, limit, after),
        item: toAgent,
        key: (row) => [row.name, row.id],
      });
    },
  };
}

export type AgentsService = ReturnType<typeof createAgentsService>;

function difference(row: AgentRow, wanted: Change, nowMs: number): store.AgentUpdate {
  const set: Record<string, unknown> = {};
  if (wanted.status !== undefined && wanted.status !== row.status) set['status'] = wanted.status;
  if (wanted.reason !== undefined && wanted.reason !== row.reason) set['reason'] = wanted.reason;
  if (wanted.desired !== undefined && wanted.desired !== row.desired) {
    set['desired'] = wanted.desired;
  }
  if (wanted.conditions !== undefined) {
    const current = row.conditions as Condition[];
    const next = applyConditions(current, wanted.conditions, nowMs);
    if (next !== current) set['conditions'] = JSON.stringify(next);
  }
  for (const [key, value] of Object.entries(wanted.set ?? {})) {
    const before: unknown = row[key as keyof AgentRow];
    if (value !== undefined && !same(before, value)) set[key] = value;
  }
  if (wanted.bump === true) set['generation'] = row.generation + 1;
  return set as store.AgentUpdate;
}

/** JSON columns are read as objects and written as text; arrays compare by content. */
function same(before: unknown, value: unknown): boolean {
  if (before === value) return true;
  if (typeof before !== 'object' || before === null) return false;
  return JSON.stringify(before) === (typeof value === 'string' ? value : JSON.stringify(value));
}
