/** A server that dies between any two steps: the next one goes on, and it comes to the same end. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../platform/ports.ts';
import { BAD, type JobsDatabase, jobsDatabase, World } from './testing.ts';

let db: JobsDatabase;

beforeAll(async () => {
  db = await jobsDatabase();
});
afterAll(() => db.stop());

class Killed extends Error {}

/** Dies at the `n`-th transaction of its life: before its commit, or right after. */
function mortal(database: Database, n: number, when: 'before' | 'after'): Database {
  let left = n;
  return {
    ...database,
    pool: database.pool,
    transaction: async (work) => {
      // A dead process does nothing more.
      if (left <= 0) throw new Killed();
      left -= 1;
      const isLast = left === 0;
      const result = await database.transaction(async (tx) => {
        const done = await work(tx);
        if (isLast && when === 'before') throw new Killed();
        return done;
      });
      if (isLast) throw new Killed();
      return result;
    },
  };
}

/** Servers that live for `life` transactions, one more, two more …, one after another. @returns their deaths */
function mortals(world: World, life: number, when: 'before' | 'after'): () => number {
  let deaths = 0;
  const next = () => {
    const engine = world.newEngine(mortal(db.database, life + (deaths % 5), when));
    world.engine = {
      work: async () => {
        try {
          await engine.work();
        } catch (error) {
          if (!(error instanceof Killed)) throw error;
          deaths += 1;
          next();
        }
      },
    };
  };
  next();
  return () => deaths;
}

const LIVES = [1, 2, 3, 4, 5];

test.each(LIVES.flatMap((life) => (['before', 'after'] as const).map((when) => ({ life, when }))))(
  'servers die $when the commit of transaction $life and later ones: a rollout that fails goes back, once',
  async ({ life, when }) => {
    const world = new World(db.database);
    try {
      await world.start();
      const ids = await world.add(6, 'wifi');
      await world.put(20);
      for (let n = 0; n < 4; n += 1) await world.pass();
      const before = await world.hashes();
      world.sim(ids[3] ?? '').temper = 'crashes';
      const deaths = mortals(world, life, when);
      const made = await world.rollout(BAD, {
        waves: ['2', '4', '100%'],
        gates: { settle_seconds: 2 },
      });
      const job = await world.ended(made);
      expect(job).toMatchObject({
        state: 'rolled_back',
        from_version: 1,
        to_version: 2,
        back_version: 3,
      });
      expect(await world.hashes()).toEqual(before);
      expect(deaths()).toBeGreaterThan(1);
      await world.put(50);
      expect(new Set(Object.values(await world.told()))).toEqual(new Set([50]));
    } finally {
      world.close();
    }
  },
  60_000,
);

test.each(
  LIVES.flatMap((life) =>
    (['before', 'after'] as const).flatMap((when) => [
      { life, when, ends: 'succeeded' as const },
      { life, when, ends: 'rolled_back' as const },
    ]),
  ),
)(
  'servers die $when the commit of transaction $life and later ones: a draft has an owner or none, and $ends it is settled once',
  async ({ life, when, ends }) => {
    const world = new World(db.database);
    try {
      await world.start();
      const ids = await world.add(4, 'wifi');
      await world.put(20);
      for (let n = 0; n < 4; n += 1) await world.pass();
      if (ends === 'rolled_back') world.sim(ids[2] ?? '').temper = 'rejects';
      const id = await world.draft(BAD);
      const deaths = mortals(world, life, when);
      const made = await world.rollOutDraft(id, {
        waves: ['2', '100%'],
        gates: { settle_seconds: 2 },
      });
      await world.until('its end', async () => {
        const job = await world.get(made);
        const draft = await world.draftNow(id);
        if (job.deadline === null) return true;
        expect(draft).toMatchObject({ job_id: made.job_id, version: 1, returned: null });
        return false;
      });
      const job = await world.get(made);
      expect(job.state).toBe(ends);
      const draft = await world.draftNow(id);
      if (ends === 'succeeded') expect(draft).toBeUndefined();
      else {
        expect(draft).toMatchObject({ job_id: null, version: 2, base_version: 3, moved: false });
        expect(draft?.returned).toEqual({ job_id: made.job_id, reason: job.reason });
      }
      const settled = world.audited.filter(({ object }) => object === id);
      expect(new Set(settled.map(({ action }) => action))).toEqual(
        new Set([ends === 'succeeded' ? 'drafts.rolled_out' : 'drafts.returned']),
      );
      expect(deaths()).toBeGreaterThan(1);
    } finally {
      world.close();
    }
  },
  60_000,
);

test('who dies while a job takes a draft over leaves neither a job nor a draft that is held', async () => {
  const world = new World(db.database);
  try {
    await world.start();
    await world.add(2, 'wifi');
    const id = await world.draft(30);
    await expect(
      world.call(async (call) => {
        await world.jobs.create({ kind: 'rollout', draft_id: id }, call, undefined);
        throw new Killed();
      }),
    ).rejects.toThrow(Killed);
    expect(await world.draftNow(id)).toMatchObject({ job_id: null, moved: false });
    expect(await world.ended(await world.rollOutDraft(id))).toMatchObject({ state: 'succeeded' });
  } finally {
    world.close();
  }
});

test.each(LIVES)(
  'servers die at transaction %i and later ones: every agent is restarted once',
  async (life) => {
    for (const when of ['before', 'after'] as const) {
      const world = new World(db.database);
      try {
        await world.start();
        const ids = await world.add(5, 'wifi');
        for (let n = 0; n < 4; n += 1) await world.pass();
        const deaths = mortals(world, life, when);
        const job = await world.ended(
          await world.create({
            kind: 'action',
            action: 'restart',
            agent_ids: ids,
            gates: { settle_seconds: 1 },
          }),
        );
        expect(job).toMatchObject({ state: 'succeeded', counts: { done: 5 } });
        const told = await db.database.pool.selectFrom('actions').select('agent_id').execute();
        expect(told.map(({ agent_id }) => agent_id).toSorted()).toEqual(ids);
        expect(deaths()).toBeGreaterThan(1);
      } finally {
        world.close();
      }
    }
  },
  60_000,
);
