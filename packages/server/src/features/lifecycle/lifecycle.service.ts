/** The reconciler: what shall run is told to hosts, what does run is heard from them. */
import {
  type Action,
  type AgentStatus,
  type Condition,
  type DesiredAgent,
  type HostReport,
  type InstanceReport,
  type LaunchRequest,
  type LaunchTicket,
  mayBecome,
} from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, OpmasError } from '../../kernel/errors.ts';
import type { Reach } from '../../kernel/grants.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Caller } from '../../operation.ts';
import type { Broker, Database, Executor } from '../../platform/ports.ts';
import {
  type AgentRow,
  type AgentsService,
  assignedAgents,
  hostlessAgents,
} from '../agents/index.ts';
import { type AuditLog, SYSTEM } from '../audit/index.ts';
import type { SlotsService } from '../credentials/index.ts';
import type { RegistrationService } from '../registration/index.ts';
import { changeFor, isAltered } from './host-state.ts';
import * as store from './lifecycle.store.ts';

export type Command = 'start' | 'stop' | 'restart';

const ACTION_MS = 60_000;
/** So many consumers that cannot be made are enough for one round: the broker takes none. */
const MAX_REFUSED = 5;
/** An agent with one of these runs, but not well: to start it is to try anew. */
const UNWELL: ReadonlySet<string> = new Set([
  'starting',
  'backoff',
  'crash_loop',
  'late',
  'offline',
]);

export function createLifecycleService(options: {
  database: Database;
  agents: AgentsService;
  registration: RegistrationService;
  audit: Pick<AuditLog, 'record'>;
  /** A host refused files that are not those that were approved: its copy wants replacing. */
  onPackageAltered(): void;
  slots: Pick<SlotsService, 'unregister'>;
  broker: Broker;
  clock: Clock;
  ids: Ids;
  logger: Logger;
  hostId: string;
  managementUrl: () => string;
  agentEnvironment: Readonly<Record<string, string>>;
}) {
  const { database, agents, registration, slots, broker, clock, ids, logger } = options;
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

  /** @returns why some could not be made: what the broker refuses one agent is no fault of the others */
  async function ensureConsumers(rows: readonly AgentRow[]): Promise<unknown[]> {
    const faults: unknown[] = [];
    const names = new Set(rows.map((row) => row.name));
    for (const name of consuming.keys()) if (!names.has(name)) consuming.delete(name);
    for (const { name, subscribed_topics: topics } of rows) {
      const text = topics.join(' ');
      if (consuming.get(name) === text) continue;
      try {
        await broker.ensureConsumers(name, topics);
        consuming.set(name, text);
      } catch (error) {
        faults.push(error);
        if (!broker.isUp() || faults.length === MAX_REFUSED) break;
      }
    }
    return faults;
  }

  /** False when the agent is not the host's. */
  async function hearInstance(hostId: string, report: InstanceReport): Promise<boolean> {
    let altered = false;
    let own = true;
    await database.transaction(async (tx) => {
      const agent = await agents.lock(tx, report.agent_id);
      if (agent.status === 'removed') return;
      if (agent.host_id !== hostId) {
        own = false;
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
      altered = isAltered(report.reason) && !isAltered(agent.reason);
      if (!altered) return;
      await options.audit.record(tx, {
        caller: SYSTEM,
        action: 'packages.altered',
        object: agent.id,
        outcome: 'refused',
        details: { host: hostId, digest: agent.package_digest, reason: report.reason },
      });
    });
    if (altered) options.onPackageAltered();
    return own;
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
    /**
     * Brings every host's desired set, and every agent's consumers, up to date with the database.
     * @throws why consumers could not be made, after everything else was done
     */
    async project(): Promise<void> {
      const rows = await assignedAgents(database.pool);
      const faults = await ensureConsumers([...rows, ...(await hostlessAgents(database.pool))]);
      await projectHost(
        options.hostId,
        rows.filter((row) => row.host_id === options.hostId),
      );
      if (faults.length > 0) throw faults[0];
    },

    /** Forgets what was told, so that the next projection writes everything (a new broker store). */
    forgetTold(): void {
      told.clear();
      consuming.clear();
      known = false;
    },

    /**
     * `at`: when the report arrived.
     * @returns agents it names that are not the host's: what it says of them is not taken
     * @throws only when the database is away; a report that changes nothing costs nothing.
     */
    async hear(report: HostReport, at: Date): Promise<string[]> {
      const foreign: string[] = [];
      const changed: InstanceReport[] = [];
      for (const instance of report.instances) {
        const text = JSON.stringify(instance);
        if (heard.get(instance.agent_id) !== text) changed.push(instance);
      }
      for (const instance of changed) {
        try {
          const own = await hearInstance(report.host_id, instance);
          if (!own) foreign.push(instance.agent_id);
        } catch (error) {
          if (!(error instanceof OpmasError)) throw error;
          logger.warn({ agent: instance.agent_id, err: messageOf(error) }, 'report not taken');
        }
        heard.set(instance.agent_id, JSON.stringify(instance));
      }
      // Last: whoever sees this time can rely on what the report says of every instance. It is the time when that
      // was so: a report that was long on its way says nothing of what began meanwhile.
      await store.upsertHost(database.pool, {
        id: report.host_id,
        hostname: report.hostname,
        boot_id: report.boot_id,
        started_at: new Date(report.started_at),
        last_report: new Date(Math.min(at.getTime(), Date.parse(report.timestamp))),
      });
      return foreign;
    },

    /**
     * What a host needs to start an agent now; a refusal carries the reason.
     * @throws {OpmasError} OPMAS_FORBIDDEN for another host's agent
     */
    async launchTicket(hostId: string, request: LaunchRequest): Promise<LaunchTicket> {
      return database.transaction(async (tx) => {
        const agent = await agents.get(tx, request.agent_id);
        if (agent.status === 'removed') return { ok: false, error: 'The agent was removed' };
        if (agent.host_id !== hostId) {
          throw new OpmasError(
            'OPMAS_FORBIDDEN',
            `The agent belongs to host ${agent.host_id ?? 'none'}`,
          );
        }
        return {
          ok: true,
          management_url: options.managementUrl(),
          registration_token: await registration.launching(tx, request),
          env: { ...options.agentEnvironment },
        };
      });
    },

    /**
     * Starts, stops or restarts: the desire is stored with an action whose outcome can be followed. To start what
     * runs well is done at once: nothing is restarted by it.
     */
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
      if (before.package_path === null) {
        throw new OpmasError(
          'OPMAS_CONFLICT',
          `${before.name} was enrolled from another machine: ${command} it there`,
        );
      }
      const isDone = command === 'start' && runsWell(before);
      if (!isDone) {
        await agents.change(
          db,
          agentId,
          { desired: command === 'stop' ? 'stopped' : 'running', bump: true },
          { caller },
        );
      }
      const now = clock.now();
      const action = {
        action_id: ids.uuid(),
        agent_id: agentId,
        command,
        generation: before.generation + (isDone ? 0 : 1),
        created_by: caller.name,
        created_at: new Date(now),
        deadline: new Date(now + ACTION_MS),
      };
      await store.insertAction(db, action);
      if (isDone) await store.settleAction(db, action.action_id, 'done', null);
      return {
        action_id: action.action_id,
        agent_id: agentId,
        command,
        state: isDone ? 'done' : 'pending',
        reason: null,
        deadline: action.deadline.toISOString(),
      };
    },

    /** @throws {OpmasError} OPMAS_ACTION_NOT_FOUND */
    async action(db: Executor, actionId: string, reach: Reach): Promise<Action> {
      const row = await store.actionById(db, actionId, reach);
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
          set: { pid: null, instance_id: null },
        },
        { caller },
      );
      await slots.unregister(db, agentId, `removed by ${caller.name}`);
      return agent;
    },
  };
}

export type LifecycleService = ReturnType<typeof createLifecycleService>;

function runsWell({ status, desired, conditions }: AgentRow): boolean {
  if (status !== 'running' || desired !== 'running') return false;
  return !(conditions as Condition[]).some(({ type }) => UNWELL.has(type));
}

function desiredOf(row: AgentRow): DesiredAgent {
  return {
    agent_id: row.id,
    agent_name: row.name,
    agent_type: row.type,
    version: row.version,
    desired: row.desired as 'running' | 'stopped',
    generation: row.generation,
    package_dir: row.package_dir ?? '',
    package_digest: row.package_digest ?? '',
    entry: row.entry as 'code' | 'rules',
    limits: row.limits,
  };
}
