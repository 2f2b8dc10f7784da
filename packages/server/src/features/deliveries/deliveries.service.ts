/** What people and other features ask about deliveries, and the wish to try once more. */
import type { ConfigFault } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Reach } from '../../kernel/grants.ts';
import { type PageRequest, pageOf } from '../../kernel/paging.ts';
import type { Executor } from '../../platform/ports.ts';
import type { AgentsService } from '../agents/index.ts';
import * as store from './deliveries.store.ts';
import { type Case, type DeliveryState, livingInstances, reasonOf } from './delivery.ts';
import type { Reports } from './reports.ts';

export interface Delivery {
  agent_id: string;
  name: string;
  state: DeliveryState;
  desired_hash: string;
  /** What the instances that count run; null when they differ, or none was heard. */
  running_hash: string | null;
  /** What all of them were well with last; null when they differ, or do not say. */
  healthy_hash: string | null;
  healthy_version: number | null;
  reason: string | null;
  errors: ConfigFault[];
  since: string;
  offered_at: string | null;
  deadline: string | null;
  settled_at: string | null;
  attempts: number;
}

export interface DeliveryDetail extends Delivery {
  instances: {
    instance_id: string;
    running_hash: string | null;
    attempted_hash: string | null;
    healthy_hash: string | null;
    healthy_version: number | null;
    errors: ConfigFault[];
    last_heard: string;
  }[];
  left_behind: { topic: string; unread: number }[];
  failed: { hash: string; errors: ConfigFault[]; failed_at: string }[];
}

export function createDeliveriesService(options: {
  agents: AgentsService;
  reports: Reports;
  clock: Clock;
}) {
  const { agents, reports, clock } = options;

  async function caseOf(db: Executor, agentId: string): Promise<Case> {
    await agents.get(db, agentId);
    const found = await store.caseOf(db, agentId);
    if (found !== undefined) return found;
    throw new OpmasError('OPMAS_NOT_FOUND', `Nothing has been delivered to ${agentId} yet`);
  }

  return {
    reports,

    /** @throws {OpmasError} OPMAS_AGENT_NOT_FOUND, OPMAS_NOT_FOUND before the first delivery */
    async get(db: Executor, agentId: string): Promise<DeliveryDetail> {
      const given = await caseOf(db, agentId);
      const failed = await store.failuresOf(db, agentId);
      return {
        ...summaryOf(given, clock.now()),
        instances: livingInstances(given, clock.now()).map((each) => ({
          instance_id: each.instance_id,
          running_hash: each.running_hash,
          attempted_hash: each.attempted_hash,
          healthy_hash: each.healthy_hash,
          healthy_version: each.healthy_version,
          errors: each.errors,
          last_heard: each.last_heard.toISOString(),
        })),
        left_behind: given.delivery.left_behind,
        failed: failed.map(({ hash, errors, failed_at }) => ({
          hash,
          errors,
          failed_at: failed_at.toISOString(),
        })),
      };
    },

    /** By name, with how many there are in each state. */
    async list(
      db: Executor,
      query: PageRequest & { state?: DeliveryState },
      reach: Reach,
    ): Promise<{
      items: Delivery[];
      next_cursor: string | null;
      counts: Record<DeliveryState, number>;
    }> {
      const now = clock.now();
      const page = await pageOf(query, {
        rows: (limit, after) => store.listCases(db, { ...query, reach }, limit, after),
        item: (each) => summaryOf(each, now),
        key: ({ agent, delivery }) => [agent.name, delivery.agent_id],
      });
      const counts = { pending: 0, applied: 0, rejected: 0, expired: 0 };
      for (const { state, n } of await store.countByState(db, reach)) counts[state] = n;
      return { ...page, counts };
    },

    /**
     * Forgets every configuration that failed on the agent and offers the desired one again.
     * @throws {OpmasError} OPMAS_AGENT_NOT_FOUND, OPMAS_NOT_FOUND before the first delivery
     */
    async retry(db: Executor, agentId: string): Promise<DeliveryDetail> {
      const { agent } = await caseOf(db, agentId);
      await store.startOver(db, agentId, new Date(clock.now()));
      // An agent that ended because of its configuration is started again.
      if (agent.status === 'failed') await agents.change(db, agentId, { bump: true });
      reports.unsettle([agentId]);
      return this.get(db, agentId);
    },

    /** Where the deliveries of these agents stand: for rollouts. */
    states: store.statesOf,
  };
}

export type DeliveriesService = ReturnType<typeof createDeliveriesService>;

function summaryOf(given: Case, nowMs: number): Delivery {
  const { delivery, agent } = given;
  const living = livingInstances(given, nowMs);
  const running = new Set(living.map((each) => each.running_hash));
  const [one = null] = running;
  const [first] = living;
  const agree = <K extends 'healthy_hash' | 'healthy_version'>(key: K) =>
    living.every((each) => each[key] === first?.[key]) ? (first?.[key] ?? null) : null;
  return {
    agent_id: delivery.agent_id,
    name: agent.name,
    state: delivery.state as DeliveryState,
    desired_hash: delivery.desired_hash,
    running_hash: running.size === 1 ? one : null,
    healthy_hash: agree('healthy_hash'),
    healthy_version: agree('healthy_version'),
    reason: reasonOf(given),
    errors: delivery.errors,
    since: delivery.since.toISOString(),
    offered_at: delivery.offered_at?.toISOString() ?? null,
    deadline: delivery.deadline?.toISOString() ?? null,
    settled_at: delivery.settled_at?.toISOString() ?? null,
    attempts: delivery.attempts,
  };
}
