/** What the audit log keeps of an act, and that nobody can take it back. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../kernel/sql.ts';
import { type AuditBench, auditBench, entry } from './testing/bench.ts';

let bench: AuditBench;
beforeAll(async () => {
  bench = await auditBench();
});
afterAll(() => bench.stop());

const record = (given: Parameters<typeof entry>[0]) =>
  bench.database.transaction((tx) => bench.audit.record(tx, entry(given)));
const newest = async () => {
  const { items } = await bench.service.list(bench.database.pool, { limit: 1 });
  const [item] = items;
  if (item === undefined) throw new Error('the log is empty');
  return item;
};

test('a row says who, what, before and after, from where, with what, and how it ended', async () => {
  await record({});
  expect(await newest()).toMatchObject({
    seq: null,
    actor_kind: 'user',
    actor_id: '7a7a7a7a-0000-4000-8000-000000000001',
    actor: 'alice',
    action: 'configs.put',
    object: 'security-1',
    outcome: 'ok',
    details: { version: 2 },
    before: { processing: { batch_size: 10 } },
    after: { processing: { batch_size: 20 } },
    remote: '192.0.2.7',
    user_agent: 'curl/8.1',
    request_id: 'r-1',
    erased: false,
  });
});

test('a change that is rolled back leaves no row, and a row that cannot be written undoes the change', async () => {
  const before = await newest();
  await expect(
    bench.database.transaction(async (tx) => {
      await bench.audit.record(tx, entry({ object: 'rolled-back' }));
      throw new Error('changed my mind');
    }),
  ).rejects.toThrow('changed my mind');
  expect((await newest()).audit_id).toBe(before.audit_id);

  await expect(
    bench.database.transaction(async (tx) => {
      await tx
        .insertInto('setup_codes')
        .values({ code_hash: 'a change', created_at: new Date(0) })
        .execute();
      const unwritable = entry({ requestId: 'r\0' });
      await bench.audit.record(tx, unwritable);
    }),
  ).rejects.toThrow(/0x00/);
  const { rows } = await sql`SELECT FROM setup_codes`.execute(bench.database.pool);
  expect(rows).toEqual([]);
});

describe('X23 the log is append-only for the application (ASVS 16.4.2)', () => {
  const tables = [
    ['audit_log', 'object'],
    ['audit_personal', 'name'],
    ['audit_erased', 'part'],
    ['audit_chain', 'hash'],
    ['audit_checkpoints', 'hash'],
  ];
  test.each(tables)(
    '%s cannot be changed, deleted from, emptied or altered',
    async (table, column) => {
      for (const statement of [
        `UPDATE ${table} SET ${column} = ${column}`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table}`,
        `ALTER TABLE ${table} DISABLE TRIGGER ALL`,
        `DROP TABLE ${table}`,
      ]) {
        await expect(sql.raw(statement).execute(bench.database.pool)).rejects.toThrow(
          /permission denied|must be owner/,
        );
      }
    },
  );

  test.each([
    // A part that is passed off as erased could be taken away unseen.
    'INSERT INTO audit_erased VALUES (1, 0, gen_random_uuid())',
    // A row that waits for the chain must not be exchanged for another.
    'UPDATE audit_unsealed SET audit_id = audit_id',
    'TRUNCATE audit_unsealed',
  ])('nor can this be done: %s', async (statement) => {
    await expect(sql.raw(statement).execute(bench.database.pool)).rejects.toThrow(
      /permission denied/,
    );
  });
});
