/** Whatever happens to agents, servers and layers: one version at a time, only for those whose turn it is, and an end. */
import { type Job, OPEN_JOB_STATES } from '@opmas/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OpmasError } from '../../kernel/errors.ts';
import { sql } from '../../kernel/sql.ts';
import { BAD, type JobsDatabase, jobsDatabase, type Temper, World } from './testing.ts';

let db: JobsDatabase;
beforeAll(async () => {
  db = await jobsDatabase();
});
afterAll(() => db.stop());

const AGENTS = 5;
const TEMPERS: readonly Temper[] = ['good', 'good', 'rejects', 'crashes', 'silent'];

/** The world, and what must hold in it. */
class Model {
  readonly world = new World(db.database);
  /** By version of the fleet layer: what it holds. */
  readonly contents = new Map<number, number>([[0, 100]]);
  /** The hash of a configuration with this batch size: always the same. */
  readonly hashOf = new Map<number, string>();
  next = 1;
  added = 0;
  /** Stored drafts: what they say, the version they change, and the job that has taken them over. */
  readonly drafts = new Map<string, { content: number; base: number; job: string | undefined }>();

  async start(): Promise<void> {
    await this.world.start();
    await this.world.add(AGENTS, 'wifi');
    await this.world.put(20);
    this.contents.set(1, 20);
    for (let n = 0; n < 4; n += 1) await this.world.pass();
    await this.check();
  }

  /** A content that was never there before. */
  fresh(isBad: boolean): number {
    this.next += 1;
    return (isBad ? BAD : 20) + this.next;
  }

  async jobs(): Promise<Job[]> {
    return (await this.world.jobs.list(db.database.pool, { limit: 500 }, 'all')).items;
  }

  async open(): Promise<Job | undefined> {
    const open = (await this.jobs()).filter((job) => OPEN_STATES.includes(job.state));
    expect(open.length).toBeLessThanOrEqual(1);
    return open[0];
  }

  /** Refused while another holds the layer, and by nothing else. */
  async write(work: () => Promise<unknown>, content: number): Promise<void> {
    const held = (await this.open()) !== undefined;
    try {
      await work();
      expect(held).toBe(false);
      const version = await this.head();
      this.contents.set(version, content);
    } catch (error) {
      if (!(error instanceof OpmasError)) throw error;
      expect([held, error.code]).toEqual([true, 'OPMAS_CONFLICT']);
    }
  }

  async head(): Promise<number> {
    return (await this.world.configs.layer(db.database.pool, FLEET)).version;
  }

  /** A draft is the open job's, or gone with the version that holds, or everybody's. */
  async checkDrafts(): Promise<void> {
    const { items } = await this.world.configs.drafts.list(db.database.pool, { limit: 500 }, 'all');
    const jobs = new Map((await this.jobs()).map((job) => [job.job_id, job]));
    for (const [id, draft] of this.drafts) {
      const job = draft.job === undefined ? undefined : jobs.get(draft.job);
      if (job === undefined || OPEN_STATES.includes(job.state)) continue;
      draft.job = undefined;
      if (job.back_version === null) this.drafts.delete(id);
      else draft.base = job.back_version;
    }
    const shown = items.map(({ draft_id, job_id, base_version }) => [
      draft_id,
      { base: base_version, job: job_id ?? undefined },
    ]);
    const expected = [...this.drafts].map(([id, { base, job }]) => [id, { base, job }]);
    expect(new Map(shown as [string, object][])).toEqual(new Map(expected as [string, object][]));
  }

  async check(): Promise<void> {
    await this.checkDrafts();
    const told = await this.world.told();
    const hashes = await this.world.hashes();
    for (const [id, content] of Object.entries(told)) {
      const hash = hashes[id] ?? '';
      expect(this.hashOf.get(content) ?? hash).toBe(hash);
      this.hashOf.set(content, hash);
    }
    const job = await this.open();
    if (job === undefined) {
      await this.checkEnded(told);
      return;
    }
    expect(Date.parse(job.deadline ?? '')).toBeGreaterThan(this.world.now - 2_000);
    const from = this.contents.get(job.from_version ?? -1);
    const to = this.contents.get(job.to_version ?? -1);
    const isBack = job.back_version !== null;
    if (isBack) this.contents.set(job.back_version ?? 0, from ?? -1);
    const page = await this.world.jobs.agents(db.database.pool, job.job_id, { limit: 500 }, 'all');
    const begun = new Set(
      job.waves.filter(({ started_at }) => started_at !== null).map(({ wave }) => wave),
    );
    const turn = new Map(page.items.map(({ agent_id, wave }) => [agent_id, wave]));
    const isLast = begun.has(job.waves.length);
    for (const [id, content] of Object.entries(told)) {
      const has = !isBack && (begun.has(turn.get(id) ?? -1) || isLast);
      expect([id, content]).toEqual([id, has ? to : from]);
    }
  }

  /** With no job under way. */
  async checkEnded(told: Record<string, number>): Promise<void> {
    const [last] = await this.jobs();
    if (last === undefined) return;
    const from = this.contents.get(last.from_version ?? -1) ?? -1;
    if (last.back_version !== null) this.contents.set(last.back_version, from);
    expect(last.counts).toMatchObject({ pending: 0, running: 0 });
    const head = await this.head();
    const content = this.contents.get(head);
    const values = [...new Set(Object.values(told))];
    // Left where it stood: until the layer is written again there are two.
    const isLeft = head === last.to_version && last.state === 'cancelled';
    expect(values.filter((each) => each !== content)).toEqual(
      isLeft && values.includes(from) ? [from] : [],
    );
  }

  async pass(ms: number): Promise<void> {
    await this.world.pass(ms);
    await this.check();
  }

  async withJob(work: (job: Job) => Promise<unknown>): Promise<void> {
    const job = await this.open();
    if (job === undefined) return;
    try {
      await work(job);
    } catch (error) {
      if (!(error instanceof OpmasError && error.code === 'OPMAS_ILLEGAL_TRANSITION')) throw error;
    }
  }
}

const FLEET = { scope: 'fleet', scope_id: '' } as const;
const OPEN_STATES: readonly string[] = OPEN_JOB_STATES;

type Step = fc.AsyncCommand<object, Model>;

function step(name: string, run: (model: Model) => Promise<unknown>): Step {
  return {
    check: () => true,
    run: async (_, model) => {
      await run(model);
      await model.check();
    },
    toString: () => name,
  };
}

const simOf = (model: Model, n: number) => {
  const all = [...model.world.sims.values()];
  const sim = all[n % all.length];
  if (sim === undefined) throw new Error('no agents');
  return sim;
};

const rollout = fc
  .record({
    isBad: fc.boolean(),
    waves: fc.constantFrom<string[]>(
      ['1', '100%'],
      ['2', '60%', '100%'],
      ['100%'],
      ['1', '2', '3', '100%'],
    ),
    onFailure: fc.constantFrom('rollback' as const, 'rollback' as const, 'pause' as const),
    max: fc.nat(1),
    between: fc.boolean(),
  })
  .map(({ isBad, waves, onFailure, max, between }) =>
    step(`rollout ${isBad} ${waves.join()} ${onFailure} ${max} ${between}`, async (model) => {
      const content = model.fresh(isBad);
      await model.write(
        () =>
          model.world.rollout(content, {
            waves,
            on_failure: onFailure,
            pause_between: between,
            deadline_seconds: 20,
            gates: { max_failures: max, settle_seconds: 3 },
          }),
        content,
      );
    }),
  );

const drafting = fc.boolean().map((isBad) =>
  step(`draft ${isBad}`, async (model) => {
    if (model.drafts.size >= 5) return;
    const content = model.fresh(isBad);
    const base = await model.head();
    model.drafts.set(await model.world.draft(content), { content, base, job: undefined });
  }),
);

/** In waves or at once: refused when the layer or the draft is a job's, or the layer went on. */
const publishing = fc.tuple(fc.nat(9), fc.boolean()).map(([n, inWaves]) =>
  step(`publish draft ${n} ${inWaves ? 'in waves' : 'at once'}`, async (model) => {
    const [id, draft] = [...model.drafts][n % model.drafts.size] ?? [];
    if (id === undefined || draft === undefined) return;
    const isHeld = (await model.open()) !== undefined;
    const isBehind = draft.base !== (await model.head());
    try {
      if (inWaves) {
        const job = await model.world.rollOutDraft(id, {
          waves: ['1', '60%', '100%'],
          deadline_seconds: 20,
          gates: { settle_seconds: 3 },
        });
        draft.job = job.job_id;
      } else {
        await model.world.database.transaction((tx) =>
          model.world.configs.drafts.publish(tx, 'all', id, { author: 'ann' }),
        );
        model.drafts.delete(id);
      }
      expect([isHeld, isBehind]).toEqual([false, false]);
      model.contents.set(await model.head(), draft.content);
    } catch (error) {
      if (!(error instanceof OpmasError)) throw error;
      const code = isHeld ? 'OPMAS_CONFLICT' : isBehind ? 'OPMAS_VERSION_CONFLICT' : undefined;
      expect(error.code).toBe(code);
    }
  }),
);

const change = (model: Model, id: string, wanted: object) =>
  model.world.database.transaction((tx) => model.world.agents.change(tx, id, wanted));

const steps: fc.Arbitrary<Step>[] = [
  ...Array.from({ length: 3 }, () => rollout),
  drafting,
  drafting,
  publishing,
  publishing,
  publishing,
  ...Array.from({ length: 6 }, () =>
    fc.integer({ min: 1, max: 6_000 }).map((ms) => step(`pass ${ms}`, (m) => m.pass(ms))),
  ),
  fc.constant(step('pass the deadline', (m) => m.pass(21_000))),
  fc.constant(step('pass a day', (m) => m.pass(86_401_000))),
  fc
    .tuple(fc.nat(9), fc.constantFrom(...TEMPERS))
    .map(([n, temper]) => step(`${n} ${temper}`, async (m) => void (simOf(m, n).temper = temper))),
  fc.nat(9).map((n) =>
    step(`${n} away or back`, async (m) => {
      const sim = simOf(m, n);
      sim.isAway = !sim.isAway;
    }),
  ),
  fc.nat(9).map((n) =>
    step(`${n} stopped or started`, async (m) => {
      const { id } = simOf(m, n);
      const { desired } = await m.world.agents.get(db.database.pool, id);
      await change(m, id, { desired: desired === 'running' ? 'stopped' : 'running' });
    }),
  ),
  fc.nat(9).map((n) =>
    step(`${n} crashes by itself`, async (m) => {
      const { id } = simOf(m, n);
      const { restarts } = await m.world.agents.get(db.database.pool, id);
      await change(m, id, { set: { restarts: restarts + 1 } });
    }),
  ),
  fc.constant(
    step('a new agent', async (m) => {
      if (m.added >= 3) return;
      await m.world.add(1, 'new', { from: m.added });
      m.added += 1;
    }),
  ),
  fc.constant(
    step('a write', async (m) => {
      const content = m.fresh(false);
      await m.write(() => m.world.put(content), content);
    }),
  ),
  fc
    .boolean()
    .map((rollback) =>
      step(`cancel ${rollback}`, (m) =>
        m.withJob((job) =>
          m.world.call((call) => m.world.jobs.cancel(job.job_id, { rollback }, call)),
        ),
      ),
    ),
  fc.constant(
    step('pause', (m) =>
      m.withJob((job) => m.world.call((call) => m.world.jobs.pause(job.job_id, call))),
    ),
  ),
  fc.constant(
    step('resume', (m) =>
      m.withJob((job) => m.world.call((call) => m.world.jobs.resume(job.job_id, call))),
    ),
  ),
  fc.constant(step('another server', async (m) => void (m.world.engine = m.world.newEngine()))),
];

/** However it stands now: every job ends by its deadlines, whatever agents do, and the layer can be written. */
async function settles(model: Model): Promise<void> {
  for (let n = 0; n < 40; n += 1) {
    const job = await model.open();
    if (job === undefined) break;
    const wait = Math.max(1, Date.parse(job.deadline ?? '') - model.world.now + 1);
    await model.pass(wait);
  }
  expect(await model.open()).toBeUndefined();
  const content = model.fresh(false);
  await model.write(() => model.world.put(content), content);
  expect(new Set(Object.values(await model.world.told()))).toEqual(new Set([content]));
  const { rows } = await sql`SELECT FROM config_holds UNION ALL SELECT FROM config_pins`.execute(
    db.database.pool,
  );
  expect(rows).toEqual([]);
  await model.checkDrafts();
  expect([...model.drafts.values()].every(({ job }) => job === undefined)).toBe(true);
}

test('one version at a time, for those whose turn it is, with a way back and an end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 30, size: 'max' }), async (commands) => {
      const model = new Model();
      try {
        await model.start();
        await fc.asyncModelRun(() => ({ model: {}, real: model }), commands);
        await settles(model);
      } finally {
        model.world.close();
      }
    }),
    { numRuns: 30 },
  );
}, 300_000);
