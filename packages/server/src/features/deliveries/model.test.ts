/** Whatever happens to servers, agents and messages: every agent runs what it shall, or shows why not, in time. */
import type { ControlMessage } from '@opmas/protocol';
import { type TestDatabase, testPostgres, waitFor } from '@opmas/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Clock } from '../../kernel/clock.ts';
import { systemIds } from '../../kernel/ids.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { sql } from '../../kernel/sql.ts';
import { openPostgres } from '../../platform/database/postgres.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import { migratedDatabase } from '../../testing/database.ts';
import { createAgentsService } from '../agents/index.ts';
import { createDeliverer, type Deliverer } from './deliverer.ts';
import { createDeliveriesService } from './deliveries.service.ts';
import { Reports } from './reports.ts';

const DEADLINE_MS = 8_000;
const HASHES = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(64));
/** Which agent refuses which hash: some refuse none, one refuses half of them. */
const REFUSED: readonly (readonly number[])[] = [[], [1], [2, 3]];

let postgres: Awaited<ReturnType<typeof testPostgres>>;
let fresh: TestDatabase;
let database: Database;

beforeAll(async () => {
  postgres = await testPostgres();
  fresh = await migratedDatabase(postgres);
  database = openPostgres({ url: fresh.superUrl, logger: silentLogger });
});
afterAll(async () => {
  await database.close();
  await fresh.drop();
  await postgres.stop();
});

interface Simulated {
  id: string;
  name: string;
  refused: readonly string[];
  instance: number;
  running: string;
  attempted: string | null;
  isBad: boolean;
  deaf: boolean;
  mute: boolean;
  isDown: boolean;
}

/** Server, broker and agents of one run; the database is real, time is moved by hand. */
class World {
  now = Date.UTC(2026, 0, 1);
  readonly clock: Clock = { now: () => this.now, monotonic: () => this.now };
  readonly agents: Simulated[];
  /** Hashes that were refused on an agent and not asked for again since. */
  readonly refusedFor = new Set<string>();
  readonly violations: string[] = [];
  reports = new Reports(() => this.now);
  deliverer: Deliverer;
  woken = 0;
  #saved: Record<string, unknown[]> | undefined;

  constructor() {
    this.agents = REFUSED.map((refused, n) => ({
      id: `model-${n}`,
      name: `Model${n}`,
      refused: refused.map((each) => HASHES[each] ?? ''),
      instance: 1,
      running: HASHES[0] ?? '',
      attempted: null,
      isBad: false,
      deaf: false,
      mute: false,
      isDown: false,
    }));
    this.deliverer = this.#newServer();
  }

  async start(): Promise<void> {
    await sql`TRUNCATE config_deliveries, config_instances, config_failures, agent_slots, outbox, agents CASCADE`.execute(
      database.pool,
    );
    for (const { id, name } of this.agents) {
      await sql`INSERT INTO agents (id, name, type, version, status, config_hash, created_at, updated_at)
        VALUES (${id}, ${name}, 'model', '1.0.0', 'running', ${HASHES[0]}, now(), now())`.execute(
        database.pool,
      );
      await sql`INSERT INTO agent_slots (agent_id, slot) VALUES (${id}, 0)`.execute(database.pool);
    }
  }

  #newServer(): Deliverer {
    this.reports = new Reports(() => this.now);
    const deliverer: Deliverer = createDeliverer({
      database,
      broker: {
        ensureConsumers: async () => undefined,
        dropConsumer: async () => 0,
        isUp: () => true,
        ask: (name, id, message) => this.#carry(deliverer, name, id, message),
      },
      agents: createAgentsService({ audit: {} as never, clock: this.clock }),
      configs: {
        allTold: async (db: Executor, ids: readonly string[]) => {
          const rows = await db
            .selectFrom('agents')
            .select(['id', 'config_hash'])
            .where('id', 'in', [...ids])
            .execute();
          return new Map(
            rows.map(({ id, config_hash: hash }) => [
              id,
              { agent_id: id, version: 1, hash, config: {} },
            ]),
          );
        },
        pushMessage: ({ hash, version }: { hash: string; version: number }) => ({
          command: 'update_config',
          timestamp: new Date(this.now).toISOString(),
          payload: { hash, version, config: {} },
        }),
      } as never,
      reports: this.reports,
      lease: { held: () => true, guard: async () => true },
      clock: this.clock,
      ids: systemIds,
      logger: silentLogger,
      deadlineMs: DEADLINE_MS,
      wake: () => {
        this.woken += 1;
      },
    });
    return deliverer;
  }

  #carry(deliverer: Deliverer, name: string, id: string, message: ControlMessage): void {
    const agent = this.agents.find((each) => each.name === name);
    if (agent === undefined) throw new Error(name);
    const { hash, retry } = message.payload as { hash: string; retry?: boolean };
    if (retry !== true && this.refusedFor.has(`${agent.id} ${hash}`)) {
      this.violations.push(`${hash.slice(0, 1)} was offered to ${agent.id} again`);
    }
    if (agent.isDown) return deliverer.answer(id, undefined);
    if (agent.deaf) return;
    const isFine = this.take(agent, hash);
    if (agent.mute) return;
    deliverer.answer(id, {
      ok: isFine,
      agent_id: agent.id,
      instance_id: `i${agent.instance}`,
      ...(isFine ? {} : { error: 'refused' }),
      data: {
        running_hash: agent.running,
        attempted_hash: hash,
        errors: isFine ? [] : [{ path: 'x', message: 'refused' }],
      },
    });
  }

  /** An agent judges a configuration. */
  take(agent: Simulated, hash: string): boolean {
    agent.attempted = hash;
    agent.isBad = agent.refused.includes(hash);
    if (!agent.isBad) agent.running = hash;
    return !agent.isBad;
  }

  beat(agent: Simulated): void {
    if (agent.isDown) return;
    this.reports.heartbeat({
      agent_id: agent.id,
      status: 'healthy',
      timestamp: new Date(this.now).toISOString(),
      uptime: 1,
      instance_id: `i${agent.instance}`,
      interval: 2,
      config_hash: agent.running,
    });
    this.reports.status({
      agent_id: agent.id,
      status: 'healthy',
      instance_id: `i${agent.instance}`,
      config: {
        running_hash: agent.running,
        attempted_hash: agent.attempted,
        error: agent.isBad ? 'refused' : null,
        ...(agent.isBad ? { errors: [{ path: 'x', message: 'refused' }] } : {}),
      },
    });
  }

  restartServer(): void {
    this.deliverer = this.#newServer();
  }

  /** A new process of the agent: its slot knows that it follows the one before. */
  async restartAgent(agent: Simulated): Promise<void> {
    const former = `i${agent.instance}`;
    agent.instance += 1;
    agent.isDown = false;
    agent.attempted = agent.running;
    agent.isBad = false;
    await sql`UPDATE agent_slots SET former = (array_prepend(${former}, former))[1:16]
      WHERE agent_id = ${agent.id}`.execute(database.pool);
  }

  async desire(agent: Simulated, hash: string): Promise<void> {
    await sql`UPDATE agents SET config_hash = ${hash} WHERE id = ${agent.id}`.execute(
      database.pool,
    );
    this.deliverer.changed();
  }

  async retry(agent: Simulated): Promise<void> {
    const service = createDeliveriesService({
      agents: createAgentsService({ audit: {} as never, clock: this.clock }),
      reports: this.reports,
      clock: this.clock,
    });
    const known = await sql`SELECT FROM config_deliveries WHERE agent_id = ${agent.id}`.execute(
      database.pool,
    );
    if (known.rows.length === 0) return;
    await database.transaction((tx) => service.retry(tx, agent.id));
    for (const hash of HASHES) this.refusedFor.delete(`${agent.id} ${hash}`);
    this.deliverer.changed();
  }

  async save(): Promise<void> {
    this.#saved = {};
    for (const table of TABLES) {
      const { rows } = await sql<{ row: unknown }>`
        SELECT to_jsonb(t) AS row FROM ${sql.table(table)} t`.execute(database.pool);
      this.#saved[table] = rows.map(({ row }) => row);
    }
  }

  /** The database as it was saved, under a server that starts on it; agents are as they are. */
  async restore(): Promise<void> {
    if (this.#saved === undefined) return;
    for (const table of TABLES) {
      const rows = JSON.stringify(this.#saved[table]);
      if (table === 'agents') {
        await sql`UPDATE agents a SET config_hash = s.config_hash, conditions = s.conditions
          FROM jsonb_populate_recordset(NULL::agents, ${rows}::jsonb) s WHERE s.id = a.id`.execute(
          database.pool,
        );
        continue;
      }
      await sql`DELETE FROM ${sql.table(table)}`.execute(database.pool);
      await sql`INSERT INTO ${sql.table(table)}
        SELECT * FROM jsonb_populate_recordset(NULL::${sql.table(table)}, ${rows}::jsonb)`.execute(
        database.pool,
      );
    }
    // What was refused after that moment is not known any more.
    this.refusedFor.clear();
    this.restartServer();
  }

  async pass(ms: number): Promise<void> {
    this.now += ms;
    await this.deliverer.work();
    await this.deliverer.work();
    await this.#check();
  }

  async rows() {
    const { rows } = await sql<{
      agent_id: string;
      state: string;
      desired_hash: string;
      config_hash: string;
      deadline: Date | null;
      offered_at: Date | null;
      errors: unknown[];
    }>`SELECT d.*, a.config_hash FROM config_deliveries d JOIN agents a ON a.id = d.agent_id
       ORDER BY d.agent_id`.execute(database.pool);
    return rows;
  }

  /** What always holds after a round. */
  async #check(): Promise<void> {
    for (const row of await this.rows()) {
      expect(row.desired_hash).toBe(row.config_hash);
      if (row.state === 'pending' && row.offered_at !== null) {
        expect(row.deadline?.getTime()).toBe(row.offered_at.getTime() + DEADLINE_MS);
        expect(row.deadline?.getTime()).toBeGreaterThan(this.now);
      }
      if (row.state === 'rejected' || row.state === 'expired') {
        expect(row.errors.length).toBeGreaterThan(0);
      }
      if (row.state === 'rejected') this.refusedFor.add(`${row.agent_id} ${row.desired_hash}`);
    }
    expect(this.violations).toEqual([]);
  }
}

const TABLES = ['agents', 'config_deliveries', 'config_instances', 'config_failures'] as const;

type Step = fc.AsyncCommand<object, World>;

function step(name: string, run: (world: World) => Promise<void> | void): Step {
  return {
    check: () => true,
    run: async (_model, world) => {
      await run(world);
      await world.pass(1);
    },
    toString: () => name,
  };
}

const who = fc.nat(REFUSED.length - 1);
const agentOf = (world: World, n: number): Simulated => {
  const agent = world.agents[n];
  if (agent === undefined) throw new Error(`no agent ${n}`);
  return agent;
};

const desire = fc
  .tuple(who, fc.nat(HASHES.length - 1))
  .map(([n, hash]) =>
    step(`desire ${n} ${hash}`, (w) => w.desire(agentOf(w, n), HASHES[hash] ?? '')),
  );

/** Some stand here more than once: they are what a run is mostly about. */
const steps: fc.Arbitrary<Step>[] = [
  ...Array.from({ length: 8 }, () => desire),
  who.map((n) => step(`beat ${n}`, (w) => w.beat(agentOf(w, n)))),
  fc.nat(3_000).map((ms) => step(`pass ${ms}`, (w) => w.pass(ms))),
  fc.constant(step('pass the deadline', (w) => w.pass(DEADLINE_MS + 1))),
  who.map((n) => step(`deaf ${n}`, (w) => void (agentOf(w, n).deaf = !agentOf(w, n).deaf))),
  who.map((n) => step(`mute ${n}`, (w) => void (agentOf(w, n).mute = !agentOf(w, n).mute))),
  who.map((n) => step(`down ${n}`, (w) => void (agentOf(w, n).isDown = true))),
  who.map((n) => step(`restart agent ${n}`, (w) => w.restartAgent(agentOf(w, n)))),
  fc.tuple(who, fc.constantFrom(...HASHES)).map(([n, hash]) =>
    step(`agent ${n} from an older state`, async (w) => {
      const agent = agentOf(w, n);
      if (!agent.refused.includes(hash)) agent.running = hash;
      await w.restartAgent(agent);
    }),
  ),
  who.map((n) => step(`retry ${n}`, (w) => w.retry(agentOf(w, n)))),
  fc.constant(step('restart server', (w) => w.restartServer())),
  fc.constant(step('save', (w) => w.save())),
  fc.constant(step('restore', (w) => w.restore())),
];

/** However it stands now: within the deadline everybody is settled, and who can be brought in line is. */
async function settles(world: World): Promise<void> {
  await world.pass(1);
  await world.pass(DEADLINE_MS + 1);
  for (const row of await world.rows()) {
    if (row.offered_at !== null) expect(row.state).not.toBe('pending');
  }
  for (const agent of world.agents) {
    agent.deaf = false;
    agent.mute = false;
    if (agent.isDown) await world.restartAgent(agent);
  }
  for (let round = 0; round < 4; round += 1) {
    for (const agent of world.agents) world.beat(agent);
    await world.pass(2_000);
  }
  for (const row of await world.rows()) {
    const agent = world.agents.find((each) => each.id === row.agent_id);
    const isRefused = agent?.refused.includes(row.desired_hash) === true;
    expect([row.agent_id, row.state]).toEqual([row.agent_id, isRefused ? 'rejected' : 'applied']);
    if (!isRefused) expect(agent?.running).toBe(row.desired_hash);
    else expect(agent?.refused).not.toContain(agent?.running);
  }
}

test('every agent converges, or shows why, within its deadline', async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 40, size: 'max' }), async (commands) => {
      const world = new World();
      await world.start();
      await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
      await settles(world);
    }),
    { numRuns: 30 },
  );
}, 300_000);

test('a change and what an agent reports of it wake a round', async () => {
  const world = new World();
  const [agent] = world.agents;
  if (agent === undefined) throw new Error('no agents');
  await world.start();
  await world.pass(1);
  world.woken = 0;
  await world.desire(agent, HASHES[1] ?? '');
  expect(world.woken).toBe(1);
  agent.mute = true;
  await world.pass(1);
  world.woken = 0;
  // No answer came, but it says by itself what it runs now.
  world.beat(agent);
  await waitFor(() => world.woken === 1);
  await world.pass(1);
  expect((await world.rows())[0]).toMatchObject({ state: 'applied', desired_hash: HASHES[1] });
});
