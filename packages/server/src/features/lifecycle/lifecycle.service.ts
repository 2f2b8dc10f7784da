/** The reconciler: what shall run is told to hosts, what does run is heard from them. */
import {
  type Action,
  type AgentStatus,
  type DesiredAgent,
  type HostReport,
  type InstanceReport,
  type LaunchRequest,
  type LaunchTicket,
  mayBecome,
} from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, OpmasError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Caller } from '../../operation.ts';
import type { Broker, Database, Executor } from '../../platform/ports.ts';
import { type AgentRow, type AgentsService, assignedAgents } from '../agents/index.ts';
import type { RegistrationService } from '../registration/index.ts';
import { changeFor } from './host-state.ts';
import * as store from './lifecycle.store.ts';

export type Command = 'start' | 'stop' | 'restart';

const ACTION_MS = 60_000;

export function createLifecycleService(options: {
  database: Database;
  agents: AgentsService;
  registration: RegistrationService;
  broker: Broker;
  clock: Clock;
  ids: Ids;
  logger: Logger;
  hostId: string;
  managementUrl: () => string;
  agentEnvironment: Readonly<Record<string, string>>;
}) {
  const { database, agents, registration, broker, clock, ids, logger } = options;
  /** What each host was told, by agent: a projection run writes only what differs. */
  const told = new Map<string, string>();
  /** Topics each agent's consumers were made for: they follow the database, also into a new broker store. */
  const consuming = new Map<string, string>();
  /** Last report of each agent's instance: unchanged ones cost no query. */
  const heard = new Map<string, string>();
  let known = false;

  async function projectHost(hostId: string, rows: readonly AgentRow[]): Promise<void> {
    const wanted = new Map(rows.map((row) => [row.id, desiredOf(row)]));
    if (!known) {
      // After a start, keys of agents that are gone may still stand in the bucket.
      for (const agentId of await broker.desiredKeys(hostId)) {
        if (!wanted.has(agentId)) await broker.setDesired(hostId, agentId, undefined);
      }
      known = true;
    }
    for (const [agentId, desired] of wanted) {
      const text = JSON.stringify(desired);
      if (told.get(agentId) === text) continue;
      await broker.setDesired(hostId, agentId, desired);
      told.set(agentId, text);
    }
    for (const agentId of told.keys()) {
      if (wanted.has(agentId)) continue;
      await broker.setDesired(hostId, agentId, undefined);
      told.delete(agentId);
      heard.delete(agentId);
    }
  }

  async function ensureConsumers(rows: readonly AgentRow[]): Promise<void> {
    const names = new Set(rows.map((row) => row.name));
    for (const name of consuming.keys()) if (!names.has(name)) consuming.delete(name);
    for (const { name, subscribed_topics: topics } of rows) {
      const text = topics.join(' ');
      if (consuming.get(name) === text) continue;
      await broker.ensureConsumers(name, topics);
      consuming.set(name, text);
    }
  }

  async function hearInstance(hostId: string, report: InstanceReport): Promise<void> {
    await database.transaction(async (tx) => {
      const agent = await agents.lock(tx, report.agent_id);
      if (agent.status === 'removed') return;
      if (agent.host_id !== hostId) {
        logger.warn({ agent: agent.name, host: hostId }, 'host reported an agent of another host');
        return;
      }
      const change = changeFor(agent, report);
      if (change.status !== undefined && !mayBecome(agent.status as AgentStatus, change.status)) {
        logger.warn(
          { agent: agent.name, from: agent.status, to: change.status },
          'host reported a state the lifecycle does not allow from here',
        );
        return;
      }
      await agents.change(tx, agent.id, change);
      await settle(tx, agent, report);
    });
  }

  async function settle(db: Executor, agent: AgentRow, report: InstanceReport): Promise<void> {
    for (const action of await store.pendingActions(db, agent.id)) {
      if (report.generation < action.generation) continue;
      const wantsStop = action.command === 'stop';
      if (wantsStop ? report.state === 'stopped' : report.state === 'ready') {
        await store.settleAction(db, action.action_id, 'done', null);
      } else if (report.state === 'failed' || report.state === 'waiting_config') {
        await store.settleAction(db, action.action_id, 'failed', report.reason);
      }
    }
  }

  return {
    /** Brings every host's desired set, and every agent's consumers, up to date with the database. */
    async project(): Promise<void> {
      const rows = await assignedAgents(database.pool);
      await ensureConsumers(rows);
      await projectHost(
        options.hostId,
        rows.filter((row) => row.host_id === options.hostId),
      );
    },

    /** Forgets what was told, so that the next projection writes everything (a new broker store). */
    forgetTold(): void {
      told.clear();
      consuming.clear();
      known = false;
    },

    /** @throws only when the database is away; a report that changes nothing costs nothing. */
    async hear(report: HostReport): Promise<void> {
      const changed: InstanceReport[] = [];
      for (const instance of report.instances) {
        const text = JSON.stringify(instance);
        if (heard.get(instance.agent_id) !== text) changed.push(instance);
      }
      await store.upsertHost(database.pool, {
        id: report.host_id,
        hostname: report.hostname,
        boot_id: report.boot_id,
        started_at: new Date(report.started_at),
        last_report: new Date(clock.now()),
      });
      for (const instance of changed) {
        try {
          await hearInstance(report.host_id, instance);
        } catch (error) {
          if (!(error instanceof OpmasError)) throw error;
          logger.warn({ agent: instance.agent_id, err: messageOf(error) }, 'report not taken');
        }
        heard.set(instance.agent_id, JSON.stringify(instance));
      }
    },

    /** What a host needs to start an agent now; a refusal carries the reason. */
    async launchTicket(hostId: string, request: LaunchRequest): Promise<LaunchTicket> {
      return database.transaction(async (tx) => {
        const agent = await agents.get(tx, request.agent_id);
        if (agent.status === 'removed') return { ok: false, error: 'The agent was removed' };
        if (agent.host_id !== hostId) {
          return { ok: false, error: `The agent belongs to host ${agent.host_id ?? 'none'}` };
        }
        const enrolled = request.enrolled && agent.public_key !== null;
        return {
          ok: true,
          management_url: options.managementUrl(),
          registration_token: enrolled ? null : await registration.issueToken(tx, agent.id),
          env: { ...options.agentEnvironment },
        };
      });
    },

    /** Starts, stops or restarts: the desire is stored with an action whose outcome can be followed. */
    async command(
      db: Executor,
      agentId: string,
      command: Command,
      caller: Caller,
    ): Promise<Action> {
      const before = await agents.lock(db, agentId);
      if (before.status === 'removed') {
        throw new OpmasError('OPMAS_ILLEGAL_TRANSITION', `${before.name} was removed`);
      }
      await agents.change(
        db,
        agentId,
        { desired: command === 'stop' ? 'stopped' : 'running', bump: true },
        { caller },
      );
      const now = clock.now();
      const action = {
        action_id: ids.uuid(),
        agent_id: agentId,
        command,
        generation: before.generation + 1,
        created_by: caller.name,
        created_at: new Date(now),
        deadline: new Date(now + ACTION_MS),
      };
      await store.insertAction(db, action);
      return {
        action_id: action.action_id,
        agent_id: agentId,
        command,
        state: 'pending',
        reason: null,
        deadline: action.deadline.toISOString(),
      };
    },

    /** @throws {OpmasError} OPMAS_ACTION_NOT_FOUND */
    async action(db: Executor, actionId: string): Promise<Action> {
      const row = await store.actionById(db, actionId);
      if (row === undefined) {
        throw new OpmasError('OPMAS_ACTION_NOT_FOUND', `No action ${actionId}`);
      }
      return {
        action_id: row.action_id,
        agent_id: row.agent_id,
        command: row.command,
        state: row.state as Action['state'],
        reason: row.reason,
        deadline: row.deadline.toISOString(),
      };
    },

    async expireActions(): Promise<void> {
      await store.expireActions(database.pool, new Date(clock.now()));
    },

    /** Stops the agent for good; its package is ignored until somebody approves it again. */
    async remove(db: Executor, agentId: string, caller: Caller): Promise<AgentRow> {
      const agent = await agents.lock(db, agentId);
      if (agent.status === 'removed') {
        throw new OpmasError('OPMAS_AGENT_NOT_FOUND', `${agent.name} was removed`);
      }
      await agents.change(
        db,
        agentId,
        {
          status: 'removed',
          reason: `Removed by ${caller.name}`,
          desired: 'stopped',
          bump: true,
          set: { public_key: null, pid: null, instance_id: null },
        },
        { caller },
      );
      return agent;
    },
  };
}

export type LifecycleService = ReturnType<typeof createLifecycleService>;

function desiredOf(row: AgentRow): DesiredAgent {
  return {
    agent_id: row.id,
    agent_name: row.name,
    agent_type: row.type,
    version: row.version,
    desired: row.desired as 'running' | 'stopped',
    generation: row.generation,
    package_dir: row.package_dir ?? '',
    entry: row.entry as 'code' | 'rules',
    limits: row.limits,
  };
}
