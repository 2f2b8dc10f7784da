/** Jobs on a real database with the real configurations and deliveries, simulated agents and a moved clock; for tests. */
import { join } from 'node:path';
import { openKeyring } from '@opmas/keyring';
import type { ConfigLayer, ControlMessage, Job } from '@opmas/protocol';
import { type TestDatabase, tempDir, testPostgres } from '@opmas/testkit';
import type { Clock } from '../../kernel/clock.ts';
import type { Grant } from '../../kernel/grants.ts';
import { reachOf } from '../../kernel/grants.ts';
import { systemIds } from '../../kernel/ids.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { sql } from '../../kernel/sql.ts';
import type { Call } from '../../operation.ts';
import { openPostgres } from '../../platform/database/postgres.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import { migratedDatabase } from '../../testing/database.ts';
import { type AgentsService, createAgentsService } from '../agents/index.ts';
import type { AuditEntry } from '../audit/index.ts';
import {
  type ConfigsService,
  createConfigsService,
  createGroupsService,
  type DraftRef,
  FLEET,
  type GroupsService,
  type ScopeRef,
} from '../configs/index.ts';
import { createDeliverer, type Deliverer } from '../deliveries/deliverer.ts';
import { createDeliveriesService, Reports } from '../deliveries/index.ts';
import { createLifecycleService } from '../lifecycle/index.ts';
import { createVault } from '../secrets/index.ts';
import { createJobsEngine, type JobsEngine } from './engine.ts';
import { createJobsService, type JobsService } from './jobs.service.ts';
import type { JobBody } from './schemas.ts';

/** Until a configuration that is not confirmed has expired. */
export const DELIVERY_MS = 8_000;

/** A configuration with this batch size, or a larger one, is bad: what becomes of it is up to the agent. */
export const BAD = 600;

export type Temper = 'good' | 'rejects' | 'crashes' | 'silent';

/** An agent, as far as jobs see it. */
export interface Simulated {
  id: string;
  name: string;
  temper: Temper;
  running: string | null;
  attempted: string | null;
  isBad: boolean;
  instance: number;
  /** Hears and says nothing while set. */
  isAway: boolean;
}

export interface JobsDatabase {
  database: Database;
  stop(): Promise<void>;
}

export async function jobsDatabase(): Promise<JobsDatabase> {
  const postgres = await testPostgres();
  const fresh: TestDatabase = await migratedDatabase(postgres);
  const database = openPostgres({ url: fresh.superUrl, logger: silentLogger });
  return {
    database,
    stop: async () => {
      await database.close();
      await fresh.drop();
      await postgres.stop();
    },
  };
}

const OWNER: readonly Grant[] = [{ permission: '*' }];

export class World {
  /** Of today: findings and figures are kept by the day. */
  now = Date.now();
  readonly clock: Clock = { now: () => this.now, monotonic: () => this.now };
  readonly sims = new Map<string, Simulated>();
  readonly audited: AuditEntry[] = [];
  readonly agents: AgentsService;
  readonly configs: ConfigsService;
  readonly groups: GroupsService;
  readonly jobs: JobsService;
  readonly dir = tempDir('jobs');
  readonly database: Database;
  reports = new Reports(() => this.now);
  deliverer: Deliverer;
  engine: JobsEngine;

  constructor(database: Database) {
    this.database = database;
    const audit = {
      record: async (_: Executor, entry: AuditEntry) => void this.audited.push(entry),
    };
    const { clock } = this;
    this.agents = createAgentsService({
      audit: audit as never,
      clock,
      relabelled: (db, id) => this.configs.relabel(db, id),
    });
    this.configs = createConfigsService({
      rulesCheck: { faultsOf: async () => [] },
      agents: this.agents,
      vault: createVault(openKeyring(join(this.dir.path, 'keys', 'master.key'), { make: true })),
      clock,
      ids: systemIds,
      environment: 'testing',
      agentEnvironment: {},
      natsUrl: 'nats://broker:4222',
      agentsAreSeparate: true,
    });
    this.groups = createGroupsService({ configs: this.configs, clock });
    this.jobs = createJobsService({ configs: this.configs, audit, clock, ids: systemIds });
    this.deliverer = this.#newDeliverer();
    this.engine = this.newEngine();
  }

  async start(): Promise<void> {
    await sql`TRUNCATE jobs, job_waves, job_agents, config_holds, config_pins, config_layers, config_drafts,
      config_groups, config_deliveries, config_instances, config_failures, agent_slots, agent_liveness,
      actions, findings, finding_keys, agent_metrics, outbox, agents CASCADE`.execute(
      this.database.pool,
    );
    await sql`DELETE FROM config_heads`.execute(this.database.pool);
    await sql`INSERT INTO config_heads (scope, scope_id, version) VALUES ('fleet', '', 0)`.execute(
      this.database.pool,
    );
  }

  close(): void {
    this.dir.remove();
  }

  /** Another server takes over; `database` may be one that breaks. */
  newEngine(database: Database = this.database): JobsEngine {
    return createJobsEngine({
      database,
      agents: this.agents,
      configs: this.configs,
      deliveries: createDeliveriesService({
        agents: this.agents,
        reports: this.reports,
        clock: this.clock,
      }),
      lifecycle: createLifecycleService({
        database: this.database,
        agents: this.agents,
        clock: this.clock,
        ids: systemIds,
        logger: silentLogger,
      } as never),
      audit: { record: async (_, entry) => void this.audited.push(entry) },
      lease: { held: () => true, guard: async () => true },
      clock: this.clock,
      logger: silentLogger,
      told: () => this.deliverer.changed(),
    });
  }

  #newDeliverer(): Deliverer {
    this.reports = new Reports(() => this.now);
    const deliverer: Deliverer = createDeliverer({
      database: this.database,
      broker: {
        ensureConsumers: async () => undefined,
        dropConsumer: async () => 0,
        isUp: () => true,
        ask: (name, id, message) => this.#carry(deliverer, name, id, message),
      },
      agents: this.agents,
      configs: this.configs,
      reports: this.reports,
      lease: { held: () => true, guard: async () => true },
      clock: this.clock,
      ids: systemIds,
      logger: silentLogger,
      deadlineMs: DELIVERY_MS,
      wake: () => undefined,
    });
    return deliverer;
  }

  #carry(deliverer: Deliverer, name: string, id: string, message: ControlMessage): void {
    const sim = [...this.sims.values()].find((each) => each.name === name);
    if (sim === undefined) throw new Error(name);
    const { hash, config } = message.payload as {
      hash: string;
      config: { processing?: { batch_size?: number } };
    };
    const isBad = (config.processing?.batch_size ?? 0) >= BAD;
    if (sim.isAway || (isBad && sim.temper === 'silent')) return;
    sim.attempted = hash;
    sim.isBad = isBad && sim.temper === 'rejects';
    if (!sim.isBad) sim.running = hash;
    deliverer.answer(id, {
      ok: !sim.isBad,
      agent_id: sim.id,
      instance_id: `i${sim.instance}`,
      ...(sim.isBad ? { error: 'refused' } : {}),
      data: {
        running_hash: sim.running,
        attempted_hash: hash,
        errors: sim.isBad ? [{ path: 'processing.batch_size', message: 'is not for me' }] : [],
      },
    });
    if (isBad && sim.temper === 'crashes') this.#crashing.add(sim.id);
    else this.#mending.add(sim.id);
  }

  readonly #crashing = new Set<string>();
  readonly #mending = new Set<string>();

  /** What hosts would report. */
  async #hosts(): Promise<void> {
    const change = (id: string, wanted: Parameters<AgentsService['change']>[2]) =>
      this.database.transaction((tx) => this.agents.change(tx, id, wanted));
    for (const id of this.#crashing) {
      const { restarts, status } = await this.agents.get(this.database.pool, id);
      if (status !== 'running') continue;
      await change(id, {
        status: 'failed',
        reason: 'exit code 1',
        conditions: [
          { type: 'crash_loop', present: true, reason: 'crash_loop', message: 'exit code 1' },
        ],
        set: { restarts: restarts + 3 },
      });
    }
    for (const id of this.#mending) {
      const { status } = await this.agents.get(this.database.pool, id);
      if (status !== 'failed') continue;
      await change(id, {
        status: 'running',
        reason: null,
        conditions: [{ type: 'crash_loop', present: false }],
      });
    }
    this.#crashing.clear();
    this.#mending.clear();
    await this.#carryOutActions();
  }

  async #carryOutActions(): Promise<void> {
    const { rows } = await sql<{ action_id: string; agent_id: string; command: string }>`
      SELECT action_id, agent_id, command FROM actions WHERE state = 'pending'`.execute(
      this.database.pool,
    );
    for (const { action_id, agent_id, command } of rows) {
      const sim = this.sims.get(agent_id);
      if (sim === undefined || sim.isAway || sim.temper === 'silent') continue;
      const isFine = sim.temper === 'good' || command === 'stop';
      await sql`UPDATE actions SET state = ${isFine ? 'done' : 'failed'},
        reason = ${isFine ? null : 'exit code 1'} WHERE action_id = ${action_id}`.execute(
        this.database.pool,
      );
      const status = command === 'stop' ? 'stopped' : isFine ? 'running' : 'failed';
      await this.database.transaction((tx) => this.agents.change(tx, agent_id, { status }));
    }
    await sql`UPDATE actions SET state = 'expired', reason = 'The deadline passed'
      WHERE state = 'pending' AND deadline < ${new Date(this.now)}`.execute(this.database.pool);
  }

  /** Running agents `<type>-0` …; what they are told is worked out. */
  async add(count: number, type: string, more: { tags?: string[]; from?: number } = {}) {
    const { tags = [], from = 0 } = more;
    const ids: string[] = [];
    for (let n = from; n < from + count; n += 1) {
      const id = `${type}-${n}`;
      const name = `${type}_${n}`;
      await this.database.transaction(async (tx) => {
        await sql`
          INSERT INTO agents (id, name, type, version, status, desired, tags, package_path, host_id,
                              created_at, updated_at)
          VALUES (${id}, ${name}, ${type}, '1.0.0', 'running', 'running', ${tags}, ${`/agents/${id}`},
                  'local', now(), now())`.execute(tx);
        await this.configs.refreshHash(tx, id);
      });
      this.sims.set(id, {
        id,
        name,
        temper: 'good',
        running: null,
        attempted: null,
        isBad: false,
        instance: 1,
        isAway: false,
      });
      ids.push(id);
    }
    return ids;
  }

  sim(id: string): Simulated {
    const sim = this.sims.get(id);
    if (sim === undefined) throw new Error(`no agent ${id}`);
    return sim;
  }

  #beat(): void {
    for (const sim of this.sims.values()) {
      if (sim.isAway) continue;
      this.reports.heartbeat({
        agent_id: sim.id,
        status: 'healthy',
        timestamp: new Date(this.now).toISOString(),
        uptime: 1,
        instance_id: `i${sim.instance}`,
        interval: 2,
        ...(sim.running === null ? {} : { config_hash: sim.running }),
      });
    }
  }

  /** Time goes by, and everybody does his work. */
  async pass(ms = 1_000): Promise<void> {
    this.now += ms;
    this.#beat();
    await this.deliverer.work();
    await this.deliverer.work();
    await this.#hosts();
    await this.engine.work();
  }

  /** Passes time until it holds. */
  async until(what: string, holds: () => Promise<boolean>, rounds = 400): Promise<void> {
    for (let n = 0; n < rounds; n += 1) {
      if (await holds()) return;
      await this.pass();
    }
    throw new Error(`never: ${what}`);
  }

  /** A call of somebody with these grants, in its transaction. */
  async as<T>(
    grants: readonly Grant[],
    permission: string,
    work: (call: Call) => Promise<T>,
  ): Promise<T> {
    return this.database.transaction((tx) =>
      work({
        caller: { kind: 'user', id: 'u1', name: 'ann', roles: [], grants },
        requestId: 'r1',
        remote: '127.0.0.1',
        reach: reachOf(grants, permission) ?? [],
        db: tx,
        afterCommit: () => undefined,
        audit: () => undefined,
        commit: () => Promise.reject(new Error('not here')),
      }),
    );
  }

  call<T>(work: (call: Call) => Promise<T>): Promise<T> {
    return this.as(OWNER, 'jobs:write', work);
  }

  create(body: JobBody, ifMatch?: number): Promise<Job> {
    return this.call((call) => this.jobs.create(body, call, ifMatch));
  }

  /** Of a fleet-wide layer with this batch size. */
  rollout(batchSize: number, more: Partial<JobBody> = {}): Promise<Job> {
    return this.create({
      kind: 'rollout',
      scope: 'fleet',
      document: { processing: { batch_size: batchSize } },
      ...more,
    });
  }

  /** A stored draft with this batch size. @returns its id */
  async draft(batchSize: number, ref: DraftRef = { scope: 'fleet', scope_id: '' }) {
    const document = { processing: { batch_size: batchSize } };
    const { draft } = await this.database.transaction((tx) =>
      this.configs.drafts.create(tx, 'all', ref, { document, reason: 'kept', author: 'bea' }),
    );
    return draft.draft_id;
  }

  /** As it is shown now; undefined when there is none. */
  async draftNow(id: string) {
    const { items } = await this.configs.drafts.list(this.database.pool, { limit: 500 }, 'all');
    return items.find(({ draft_id }) => draft_id === id);
  }

  rollOutDraft(id: string, more: Partial<JobBody> = {}): Promise<Job> {
    return this.create({ kind: 'rollout', draft_id: id, ...more });
  }

  get(job: Pick<Job, 'job_id'>): Promise<Job> {
    return this.jobs.get(this.database.pool, job.job_id, 'all');
  }

  async ended(job: Pick<Job, 'job_id'>): Promise<Job> {
    await this.until(
      `the end of ${job.job_id}`,
      async () => (await this.get(job)).deadline === null,
    );
    return this.get(job);
  }

  async outcomes(job: Pick<Job, 'job_id'>): Promise<Record<string, string>> {
    const page = await this.jobs.agents(this.database.pool, job.job_id, { limit: 500 }, 'all');
    return Object.fromEntries(page.items.map(({ agent_id, outcome }) => [agent_id, outcome]));
  }

  put(batchSize: number, ref: ScopeRef = FLEET): Promise<unknown> {
    return this.database
      .transaction((tx) =>
        this.configs.replace(tx, ref, {
          document: { processing: { batch_size: batchSize } } as ConfigLayer,
          author: 'ann',
        }),
      )
      .finally(() => this.deliverer.changed());
  }

  /** The hash that each agent shall run. */
  async hashes(): Promise<Record<string, string | null>> {
    const rows = await this.database.pool
      .selectFrom('agents')
      .select(['id', 'config_hash'])
      .orderBy('id')
      .execute();
    return Object.fromEntries(rows.map(({ id, config_hash }) => [id, config_hash]));
  }

  /** The batch size that each agent is told now. */
  async told(): Promise<Record<string, number>> {
    const answers = await this.configs.allTold(this.database.pool, [...this.sims.keys()]);
    return Object.fromEntries(
      [...answers].map(([id, answer]) => {
        if (answer instanceof Error) throw answer;
        return [id, (answer.config['processing'] as { batch_size: number }).batch_size];
      }),
    );
  }
}
