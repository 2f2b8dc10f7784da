/** Rollouts of stored drafts: taken over whole, gone when they hold, everybody's again when they went back. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sql } from '../../kernel/sql.ts';
import { BAD, type JobsDatabase, jobsDatabase, World } from './testing.ts';

let db: JobsDatabase;
let world: World;

beforeAll(async () => {
  db = await jobsDatabase();
});
afterAll(() => db.stop());
beforeEach(async () => {
  world = new World(db.database);
  await world.start();
  await world.add(3, 'wifi');
  await world.put(20);
  for (let n = 0; n < 4; n += 1) await world.pass();
});
afterEach(() => world.close());

const FLEET = { scope: 'fleet', scope_id: '' } as const;
const GOOD = 30;
const WAVES = { waves: ['1', '100%'], gates: { settle_seconds: 2 } };
const conflict = (jobId: string) => ({ code: 'OPMAS_CONFLICT', jobId });
const inTx: World['database']['transaction'] = (work) => world.database.transaction(work);
const publish = (id: string) =>
  inTx((tx) => world.configs.drafts.publish(tx, 'all', id, { author: 'ann' }));
const layer = () => world.configs.layer(world.database.pool, FLEET);
const actions = () => world.audited.map(({ action }) => action);

describe('a draft that a job rolls out', () => {
  test('is the job’s alone until it has succeeded, and gone then', async () => {
    const id = await world.draft(GOOD);
    const job = await world.rollOutDraft(id, WAVES);
    expect(job).toMatchObject({
      kind: 'rollout',
      scope: 'fleet',
      draft_id: id,
      purpose: 'kept',
      from_version: 1,
      to_version: 2,
    });
    expect(await layer()).toMatchObject({ version: 2, reason: 'kept' });
    expect(new Set(Object.values(await world.told()))).toEqual(new Set([20]));
    expect(await world.draftNow(id)).toMatchObject({ job_id: job.job_id, moved: false });
    const shown = await world.configs.drafts.get(world.database.pool, 'all', id);
    expect(shown.diff.changes).toEqual([
      { path: 'processing.batch_size', before: 20, after: GOOD },
    ]);

    const { drafts } = world.configs;
    const document = {};
    await expect(
      inTx((tx) => drafts.update(tx, 'all', id, { document, author: 'ann' })),
    ).rejects.toMatchObject(conflict(job.job_id));
    await expect(
      inTx((tx) => drafts.rebase(tx, 'all', id, { author: 'ann' })),
    ).rejects.toMatchObject(conflict(job.job_id));
    await expect(inTx((tx) => drafts.discard(tx, 'all', id, 'ann'))).rejects.toMatchObject(
      conflict(job.job_id),
    );
    await expect(publish(id)).rejects.toMatchObject(conflict(job.job_id));
    await expect(world.rollOutDraft(id)).rejects.toMatchObject(conflict(job.job_id));

    expect(await world.ended(job)).toMatchObject({ state: 'succeeded', draft_id: id });
    expect(await world.draftNow(id)).toBeUndefined();
    expect(await layer()).toMatchObject({ version: 2 });
    expect(new Set(Object.values(await world.told()))).toEqual(new Set([GOOD]));
    expect(world.audited).toContainEqual(
      expect.objectContaining({
        action: 'drafts.rolled_out',
        object: id,
        details: expect.objectContaining({ job_id: job.job_id, version: 2 }),
      }),
    );
  });

  test('is open again with the reason when the job went back, and can be mended and rolled out again', async () => {
    world.sim('wifi-0').temper = 'rejects';
    const id = await world.draft(BAD);
    const job = await world.ended(await world.rollOutDraft(id, WAVES));
    expect(job).toMatchObject({ state: 'rolled_back', back_version: 3 });
    const back = await world.draftNow(id);
    expect(back).toMatchObject({
      version: 2,
      base_version: 3,
      head_version: 3,
      moved: false,
      job_id: null,
      updated_by: 'system',
      author: 'bea',
      returned: { job_id: job.job_id, reason: job.reason },
    });
    expect(back?.returned?.reason).toContain('wifi_0');
    expect(actions()).toContain('drafts.returned');
    const shown = await world.configs.drafts.get(world.database.pool, 'all', id);
    expect(shown).toMatchObject({
      valid: true,
      counts: { changed: 3 },
      diff: { changes: [{ before: 20, after: BAD }] },
    });

    const mended = { processing: { batch_size: GOOD } };
    await inTx((tx) =>
      world.configs.drafts.update(tx, 'all', id, { document: mended, ifMatch: 2, author: 'ann' }),
    );
    expect(await world.draftNow(id)).toMatchObject({ version: 3, returned: null });
    const again = await world.ended(await world.rollOutDraft(id, WAVES));
    expect(again).toMatchObject({ state: 'succeeded', from_version: 3, to_version: 4 });
    expect(await world.draftNow(id)).toBeUndefined();
  });

  test('is open again when the job is cancelled before anything began, or goes back', async () => {
    const id = await world.draft(GOOD);
    const early = await world.rollOutDraft(id, WAVES);
    await world.call((call) => world.jobs.cancel(early.job_id, { rollback: false }, call));
    expect(await world.ended(early)).toMatchObject({ state: 'cancelled', wave: null });
    expect(await world.draftNow(id)).toMatchObject({
      returned: { job_id: early.job_id, reason: expect.stringContaining('Cancelled by ann') },
    });
    const late = await world.rollOutDraft(id, WAVES);
    // Taken over once more, it is nobody's past.
    expect(await world.draftNow(id)).toMatchObject({ job_id: late.job_id, returned: null });
    await world.until('the first wave', async () => (await world.get(late)).wave === 1);
    await world.call((call) => world.jobs.cancel(late.job_id, {}, call));
    await world.ended(late);
    expect(await world.draftNow(id)).toMatchObject({ returned: { job_id: late.job_id } });
    expect(new Set(Object.values(await world.told()))).toEqual(new Set([20]));
    await publish(id);
    expect(new Set(Object.values(await world.told()))).toEqual(new Set([GOOD]));
  });

  test('is gone when it is cancelled where it stands: its version is in force', async () => {
    const id = await world.draft(GOOD);
    const job = await world.rollOutDraft(id, { ...WAVES, pause_between: true });
    await world.until('a pause', async () => (await world.get(job)).state === 'paused');
    await world.call((call) => world.jobs.cancel(job.job_id, { rollback: false }, call));
    expect(await world.ended(job)).toMatchObject({ state: 'cancelled', back_version: null });
    expect(await world.draftNow(id)).toBeUndefined();
    expect(await layer()).toMatchObject({ version: 2 });
  });

  test('of a group reaches the group, which is not deleted meanwhile', async () => {
    await inTx((tx) => world.groups.create(tx, 'all', { selector: 'type=wifi', author: 'ann' }));
    const id = await world.draft(GOOD, { scope: 'group', scope_id: 'all' });
    const other = await world.draft(40);
    const job = await world.rollOutDraft(id, WAVES);
    expect(job).toMatchObject({ scope: 'group:all', draft_id: id });
    await expect(inTx((tx) => world.groups.remove(tx, 'all'))).rejects.toMatchObject(
      conflict(job.job_id),
    );
    // Another layer's draft is another matter.
    await publish(other);
    expect(await world.ended(job)).toMatchObject({ state: 'succeeded' });
    expect(await world.draftNow(id)).toBeUndefined();
    expect(new Set(Object.values(await world.told()))).toEqual(new Set([GOOD]));
  });

  test('does not go by itself while it is rolled out, and has its whole time when it comes back', async () => {
    const id = await world.draft(GOOD);
    const job = await world.rollOutDraft(id, WAVES);
    world.now += 31 * 86_400_000;
    expect(await world.configs.drafts.old(world.database.pool)).toEqual([]);
    expect(await inTx((tx) => world.configs.drafts.expire(tx, id))).toBeUndefined();
    await world.ended(job);
    const back = await world.draftNow(id);
    expect(back?.returned?.reason).toContain('No server took it up in time');
    expect(Date.parse(back?.expires_at ?? '')).toBeGreaterThan(world.now + 29 * 86_400_000);
  });
});

describe('is refused, and nothing is left of it', () => {
  test('when its layer went on since', async () => {
    const id = await world.draft(GOOD);
    await world.put(25);
    await expect(world.rollOutDraft(id)).rejects.toMatchObject({
      code: 'OPMAS_VERSION_CONFLICT',
      message: expect.stringContaining('rebase'),
    });
    await expect(publish(id)).rejects.toMatchObject({ code: 'OPMAS_VERSION_CONFLICT' });
    expect(await world.draftNow(id)).toMatchObject({ job_id: null, moved: true });
    expect(await layer()).toMatchObject({ version: 2 });
    await inTx((tx) =>
      world.configs.drafts.rebase(tx, 'all', id, { prefer: 'draft', author: 'ann' }),
    );
    expect(await world.ended(await world.rollOutDraft(id))).toMatchObject({ state: 'succeeded' });
  });

  test('when it is not the version that was looked at, is not valid, or reaches nobody', async () => {
    const id = await world.draft(GOOD);
    await expect(world.rollOutDraft(id, { draft_version: 2 })).rejects.toMatchObject({
      code: 'OPMAS_VERSION_CONFLICT',
    });
    const invalid = await world.draft(0);
    await expect(world.rollOutDraft(invalid)).rejects.toMatchObject({
      code: 'OPMAS_INVALID_CONFIGURATION',
    });
    await inTx((tx) =>
      world.groups.create(tx, 'none', { selector: 'type=nothing', author: 'ann' }),
    );
    const nobody = await world.draft(GOOD, { scope: 'group', scope_id: 'none' });
    await expect(world.rollOutDraft(nobody)).rejects.toMatchObject({
      code: 'OPMAS_INVALID_REQUEST',
      errors: [{ path: 'draft_id', message: 'reaches no agent' }],
    });
    for (const each of [id, invalid, nobody]) {
      expect(await world.draftNow(each)).toMatchObject({ job_id: null, version: 1 });
    }
    const { rows } = await sql`SELECT FROM config_holds UNION ALL SELECT FROM jobs`.execute(
      world.database.pool,
    );
    expect(rows).toEqual([]);
  });

  test.each([
    ['agent', 'wifi-0'],
    ['environment', 'testing'],
  ] as const)('of one layer without waves: %s', async (scope, scope_id) => {
    const id = await world.draft(GOOD, { scope, scope_id });
    await expect(world.rollOutDraft(id)).rejects.toMatchObject({
      code: 'OPMAS_INVALID_REQUEST',
      errors: [{ path: 'draft_id' }],
    });
  });

  test.each([
    [{ scope: 'fleet' }, 'scope'],
    [{ document: {} }, 'document'],
    [{ kind: 'rollback', scope: 'fleet', version: 0 }, 'draft_id'],
    [{ draft_id: undefined, scope: 'fleet', document: {}, draft_version: 1 }, 'draft_version'],
  ] as const)('with what does not go with it: %j', async (more, path) => {
    const id = await world.draft(GOOD);
    const { draft_id, ...rest } = { draft_id: id, ...more };
    const body = { kind: 'rollout' as const, ...(draft_id && { draft_id }), ...rest };
    await expect(world.create(body)).rejects.toMatchObject({
      code: 'OPMAS_INVALID_REQUEST',
      errors: expect.arrayContaining([expect.objectContaining({ path })]),
    });
    expect(await world.draftNow(id)).toMatchObject({ job_id: null });
  });

  test.each([
    ['configurations', [{ permission: 'configs:*' }]],
    ['jobs', [{ permission: 'jobs:*' }]],
    [
      'jobs, and configurations of some agents',
      [{ permission: 'jobs:write' }, { permission: 'configs:write', agents: { types: ['wifi'] } }],
    ],
  ])('to who may change %s alone', async (_, grants) => {
    const id = await world.draft(GOOD);
    await expect(
      world.as(grants, 'jobs:write', (call) =>
        world.jobs.create({ kind: 'rollout', draft_id: id }, call, undefined),
      ),
    ).rejects.toMatchObject({ code: 'OPMAS_FORBIDDEN' });
    expect(await world.draftNow(id)).toMatchObject({ job_id: null });
  });
});

test.each(Array.from({ length: 5 }, (_, n) => n))(
  'of rollouts, a publication and a discard at once one wins, and the others say why (%i)',
  async () => {
    const id = await world.draft(GOOD);
    const tries = await Promise.allSettled([
      world.rollOutDraft(id),
      world.rollOutDraft(id),
      publish(id),
      inTx((tx) => world.configs.drafts.discard(tx, 'all', id, 'ann')),
    ]);
    const won = tries.filter(({ status }) => status === 'fulfilled');
    expect(won).toHaveLength(1);
    const [job] = (await world.jobs.list(world.database.pool, { limit: 10 }, 'all')).items;
    const refusals = tries.flatMap((each) =>
      each.status === 'rejected' ? [each.reason as { code: string; jobId?: string }] : [],
    );
    for (const { code, jobId } of refusals) {
      expect([code, jobId]).toEqual(['OPMAS_CONFLICT', job?.job_id]);
    }
    expect((await world.draftNow(id))?.job_id).toBe(job?.job_id);
  },
);
