/** A person can be erased from the log without anything else being lost. */
import { verifyExport } from '@opmas/keyring';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../kernel/sql.ts';
import { SYSTEM } from './entry.ts';
import { type AuditBench, auditBench, entry } from './testing/bench.ts';

const ALICE = { kind: 'user', id: '7a7a7a7a-0000-4000-8000-00000000000a', name: 'alice' } as const;
const BOB = { kind: 'user', id: '7a7a7a7a-0000-4000-8000-00000000000b', name: 'bob' } as const;
const NOBODY = { kind: 'anonymous', id: 'anonymous', name: 'anonymous' } as const;

let bench: AuditBench;
beforeAll(async () => {
  bench = await auditBench();
});
afterAll(() => bench.stop());

const record = (given: Parameters<typeof entry>[0]) =>
  bench.database.transaction((tx) =>
    bench.audit.record(
      tx,
      entry({ details: undefined, before: undefined, after: undefined, ...given }),
    ),
  );
const list = async (query: Parameters<AuditBench['service']['list']>[1] = {}) =>
  (await bench.service.list(bench.database.pool, query)).items;
const verified = async () => {
  await bench.sealer().seal();
  const { fault, next_cursor } = await bench.service.verify(bench.database.pool, undefined);
  expect([fault, next_cursor]).toEqual([null, null]);
};
/** Everything the tables of the log hold, as one text. */
const everything = async () => {
  const { rows } = await sql`SELECT l::text, p::text FROM audit_log AS l
    FULL JOIN audit_personal AS p ON p.audit_id = l.id`.execute(bench.owner.pool);
  return JSON.stringify(rows);
};

describe('erasure of personal data (ASVS 16.4.2, 14.2.7)', () => {
  test('a person leaves no trace, in own rows and others’, and the chain still verifies', async () => {
    await record({ caller: NOBODY, action: 'auth.login', object: 'alice', remote: '192.0.2.66' });
    await record({
      caller: ALICE,
      action: 'configs.put',
      remote: '192.0.2.66',
      userAgent: 'alices-browser',
    });
    await record({
      caller: BOB,
      action: 'users.put',
      object: ALICE.id,
      details: { user_id: ALICE.id, username: 'alice', roles: ['operator'] },
      before: { username: 'alice', roles: ['operator'] },
      after: { username: 'alice', roles: ['admin'] },
      remote: '192.0.2.77',
    });
    await record({
      caller: SYSTEM,
      action: 'agents.discovered',
      details: { approved_by: 'alice' },
    });
    await record({ caller: NOBODY, action: 'auth.login', object: 'Alice', outcome: 'refused' });
    await verified();
    expect(await list({ actor: 'alice' })).toHaveLength(3);
    expect((await list({ object: ALICE.id }))[0]).toMatchObject({
      actor: 'bob',
      object: ALICE.id,
      details: { user_id: ALICE.id, username: 'alice' },
      after: { username: 'alice' },
    });
    expect((await list({ q: 'alices-browser' }))[0]?.user_agent).toBe('alices-browser');

    const done = await bench.database.transaction(async (tx) => {
      const erased = await bench.service.erase(tx, 'alice');
      await bench.audit.record(
        tx,
        entry({
          caller: BOB,
          action: 'audit.erase',
          details: erased,
          object: undefined,
          before: undefined,
          after: undefined,
          remote: '192.0.2.77',
        }),
      );
      return erased;
    });
    expect(done.parts).toBeGreaterThanOrEqual(5);
    await verified();

    const left = await everything();
    for (const trace of [ALICE.id, '192.0.2.66', /alice/i]) {
      expect(left).not.toMatch(trace);
    }
    // What Bob did is still Bob's.
    expect(left).toContain('192.0.2.77');
    const [, byBob] = await list({ actor: 'bob' });
    expect(byBob).toMatchObject({
      actor: 'bob',
      object: '(erased)',
      details: { user_id: '(erased)', username: '(erased)' },
      after: { username: '(erased)', roles: ['admin'] },
      erased: true,
    });
    expect((await list({ action: 'configs.put' }))[0]).toMatchObject({
      actor: null,
      actor_id: null,
      actor_kind: 'user',
      remote: null,
      user_agent: null,
      erased: true,
    });
    const lines: string[] = [];
    for await (const text of bench.service.export(bench.database.pool, {}))
      lines.push(...text.split('\n'));
    expect(lines.join('')).not.toMatch(/alice|192\.0\.2\.66/i);
    expect((await verifyExport(over(lines))).fault).toBeUndefined();
  });

  test('who was never seen cannot be erased', async () => {
    await expect(
      bench.database.transaction((tx) => bench.service.erase(tx, 'carol')),
    ).rejects.toMatchObject({ code: 'OPMAS_NOT_FOUND' });
  });

  test('the application can note an erasure only by erasing', async () => {
    await expect(
      sql`INSERT INTO audit_erased VALUES (1, 0, gen_random_uuid())`.execute(bench.database.pool),
    ).rejects.toThrow(/permission denied/);
  });

  test('more marked as erased than the erasure said is found', async () => {
    await record({ caller: BOB });
    await verified();
    const { rows } = await sql<{ id: number }>`
      WITH last AS (SELECT max(audit_id) AS id FROM audit_personal),
      gone AS (DELETE FROM audit_personal WHERE audit_id = (SELECT id FROM last))
      INSERT INTO audit_erased SELECT (SELECT id FROM last), 0, erasure_id FROM audit_erased LIMIT 1
      RETURNING audit_id AS id`.execute(bench.owner.pool);
    expect(rows).toHaveLength(1);
    const { fault } = await bench.service.verify(bench.database.pool, undefined);
    expect(fault).toMatchObject({ kind: 'personal_missing' });
    expect(fault?.message).toContain('marked as erased');
  });
});

describe('X20 log injection (ASVS 16.4.1)', () => {
  const HOSTILE = [
    'a\r\nb: {"action":"users.delete"}',
    '\u001b[2J\u001b]0;owned\u0007',
    '","outcome":"ok"}\n{"type":"end"}',
    'nul\0byte',
    '\ud800 half',
    '\u202eevil\u2028line',
    '$person:0',
    '{"$person":0}',
  ];

  test('whatever a name, a program or a value is, it stays one value in one row and one line', async () => {
    for (const text of HOSTILE) {
      await record({
        caller: { kind: 'token', id: text, name: text },
        action: 'configs.put',
        object: text,
        userAgent: text,
        remote: text,
        requestId: 'r-1',
        details: { value: text, [text]: 1, $person: 0, who: { $person: 0 } },
        before: { $person_id: 0 },
      });
      const [item] = await list({ limit: 1 });
      const stored = text.toWellFormed().replaceAll('\0', '\ufffd');
      expect(item).toMatchObject({
        actor: stored,
        object: stored,
        user_agent: stored,
        remote: stored.slice(0, 64),
        details: { value: stored, [stored]: 1, $person: 0, who: { $person: 0 } },
        before: { $person_id: 0 },
      });
    }
    await bench.sealer().seal();
    for await (const text of bench.service.export(bench.database.pool, {})) {
      for (const line of text.split('\n').filter((part) => part !== '')) {
        expect(JSON.parse(line)).toHaveProperty('type');
        expect(line).not.toMatch(/[\u0000-\u001f\u007f]/);
      }
    }
  });
});

async function* over(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}
