/** Refusals are on record, and a flood of them is not a flood of rows. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../kernel/limits.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { createRefusals, type Refusals } from './refusals.ts';
import { type AuditBench, auditBench } from './testing/bench.ts';

const NOBODY = { kind: 'anonymous', id: 'anonymous', name: 'anonymous' } as const;

let bench: AuditBench;
let refusals: Refusals;
let action = 0;
beforeAll(async () => {
  bench = await auditBench();
});
beforeEach(() => {
  action += 1;
  refusals = createRefusals({ ...bench, logger: silentLogger });
});
afterAll(() => bench.stop());

const note = (object: string, code = 'OPMAS_BAD_CREDENTIALS') =>
  refusals.note({ caller: NOBODY, action: `auth.try${action}`, object, code, remote: '192.0.2.1' });
const rows = async () =>
  (await bench.service.list(bench.database.pool, { action: `auth.try${action}`, limit: 500 }))
    .items;

describe('refusals on record (ASVS 16.3.1, 16.3.2)', () => {
  test('the first of a kind is written at once, the rest of a flood as one row with a count', async () => {
    for (let number = 0; number < 5_000; number += 1) note('alice');
    await refusals.flush();
    expect(await rows()).toMatchObject([
      { object: 'alice', outcome: 'refused', details: { repeated: 4_999 } },
      {
        object: 'alice',
        outcome: 'refused',
        remote: '192.0.2.1',
        details: { code: 'OPMAS_BAD_CREDENTIALS' },
      },
    ]);
  });

  test('each name that was tried is its own kind', async () => {
    for (const name of ['alice', 'bob', 'alice']) note(name);
    await refusals.flush();
    const tried = (await rows()).map(
      ({ object, details }) => `${object} ${String(details['repeated'])}`,
    );
    expect(new Set(tried)).toEqual(new Set(['alice undefined', 'bob undefined', 'alice 1']));
    expect(tried).toHaveLength(3);
  });

  test('beyond the kinds that are told apart every refusal is still counted', async () => {
    const many = limits.refusals + 250;
    for (let number = 0; number < many; number += 1) note(`user-${number}`);
    await refusals.flush();
    const [sum] = await rows();
    expect(sum).toMatchObject({ actor: 'opmas', details: { repeated: 250 } });
    expect(sum?.object).toBeNull();
    const { total } = await countOf();
    expect(total).toBe(limits.refusals + 1);
  });

  test('after a flush every kind is new again', async () => {
    note('alice');
    await refusals.flush();
    note('alice');
    await refusals.flush();
    expect((await rows()).map(({ details }) => details['repeated'])).toEqual([
      undefined,
      undefined,
    ]);
  });
});

async function countOf(): Promise<{ total: number }> {
  const row = await bench.database.pool
    .selectFrom('audit_log')
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .where('action', '=', `auth.try${action}`)
    .executeTakeFirstOrThrow();
  return row;
}
