/** Who may write every table is still found out: online by the server, offline by anybody with an export. */
import { readFileSync, writeFileSync } from 'node:fs';
import { verifyExport } from '@opmas/keyring';
import type { AuditVerification } from '@opmas/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';
import { type AuditBench, auditBench, entry } from './testing/bench.ts';

const ROWS = 1_203;
let bench: AuditBench;
let original: { log: object[]; chain: object[]; checkpoints: object[]; personal: object[] };

beforeAll(async () => {
  bench = await auditBench();
  await bench.fill(ROWS);
  bench.clock.advance(60_000);
  await bench.sealer().seal();
  original = {
    log: (await sql<object>`SELECT * FROM audit_log`.execute(bench.owner.pool)).rows,
    chain: (await sql<object>`SELECT * FROM audit_chain`.execute(bench.owner.pool)).rows,
    checkpoints: (await sql<object>`SELECT * FROM audit_checkpoints`.execute(bench.owner.pool))
      .rows,
    personal: (await sql<object>`SELECT * FROM audit_personal`.execute(bench.owner.pool)).rows,
  };
});
afterAll(() => bench.stop());

const run = (statement: string, db: Executor = bench.owner.pool) => sql.raw(statement).execute(db);

/** The whole log, stretch by stretch, as a client asks for it. */
async function verify(db: Executor = bench.database.pool): Promise<AuditVerification> {
  let cursor: string | undefined;
  for (;;) {
    const part = await bench.service.verify(db, cursor);
    if (part.next_cursor === null) return part;
    cursor = part.next_cursor;
  }
}

async function offline(pinned?: readonly string[], db: Executor = bench.database.pool) {
  const lines: string[] = [];
  for await (const text of bench.service.export(db, {})) {
    lines.push(...text.split('\n'));
  }
  return verifyExport(each(lines), pinned === undefined ? {} : { pinned });
}

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

/** Does `damage` as the owner of the tables, and looks; all in a transaction that is taken back. */
async function damaged(damage: string | readonly string[]) {
  let found: { online: unknown; offline: unknown } | undefined;
  const takenBack = new Error('taken back');
  const work = bench.owner.transaction(async (tx) => {
    for (const statement of [damage].flat()) await run(statement, tx);
    found = { online: (await verify(tx)).fault, offline: (await offline(undefined, tx)).fault };
    throw takenBack;
  });
  await work.catch((error: unknown) => {
    if (error !== takenBack) throw error;
  });
  return found;
}

/** After damage that was committed. */
async function restore(): Promise<void> {
  for (const [table, rows] of [
    ['audit_log', original.log],
    ['audit_chain', original.chain],
    ['audit_checkpoints', original.checkpoints],
    ['audit_personal', original.personal],
  ] as const) {
    await run(`DELETE FROM ${table}`);
    await sql`INSERT INTO ${sql.table(table)}
      SELECT * FROM jsonb_populate_recordset(NULL::${sql.table(table)}, ${JSON.stringify(rows)}::jsonb)`.execute(
      bench.owner.pool,
    );
  }
}

test('an untouched log verifies, online and offline, with every checkpoint', async () => {
  expect(await verify()).toMatchObject({ ok: true, fault: null, total: ROWS, waiting: 0 });
  const { checkpoints, rows, fault } = await offline();
  expect([rows, fault]).toEqual([ROWS, undefined]);
  // After 1,000 rows, and a minute after the first of the rest; the end of the export is one more.
  expect(checkpoints).toBe(3);
  const { keys } = await verify();
  expect((await offline(keys.map(({ public_key }) => public_key))).fault).toBeUndefined();
});

describe('X23 audit tampering in the database (ASVS 16.4.2)', () => {
  // Rows are numbered from 1 in the order of the chain, and so are their ids here.
  const places = [1, 2, 499, 500, 501, 1_000, 1_001, ROWS];

  test.each(places)('row %i edited, in any column, is named', async (place) => {
    const edits = [
      `action = 'auth.login'`,
      `object = 'x'`,
      `outcome = 'refused'`,
      `at = at + interval '1 microsecond'`,
      `details = '{}'`,
      `before = NULL`,
      `after = '{"processing": {"batch_size": 21}}'`,
      `request_id = NULL`,
      `personal = '{}'`,
      `key_id = NULL, hmac = NULL`,
      `actor_kind = 'local', actor = 'opmas'`,
    ];
    const edit = edits[place % edits.length] ?? '';
    const found = await damaged(`UPDATE audit_log SET ${edit} WHERE id = ${place}`);
    const fault = { kind: 'row_changed', seq: place, audit_id: place };
    expect(found).toMatchObject({ online: fault, offline: fault });
  });

  test.each(places)('row %i deleted is named', async (place) => {
    const found = await damaged(`DELETE FROM audit_log WHERE id = ${place}`);
    const fault = { kind: 'row_missing', seq: place, audit_id: place };
    expect(found).toMatchObject({ online: fault, offline: fault });
  });

  test.each(places.slice(0, -1))('link %i deleted is named', async (place) => {
    const found = await damaged(`DELETE FROM audit_chain WHERE seq = ${place}`);
    const fault = { kind: 'row_missing', seq: place };
    expect(found).toMatchObject({ online: fault, offline: fault });
  });

  test.each([1, 500, 1_000])('rows %i and the next, exchanged, are named', async (place) => {
    const swap = (table: string, key: string) => [
      `UPDATE ${table} SET ${key} = -1 WHERE ${key} = ${place}`,
      `UPDATE ${table} SET ${key} = ${place} WHERE ${key} = ${place + 1}`,
      `UPDATE ${table} SET ${key} = ${place + 1} WHERE ${key} = -1`,
    ];
    const rows = await damaged([...swap('audit_log', 'id'), ...swap('audit_personal', 'audit_id')]);
    expect(rows).toMatchObject({
      online: { kind: 'row_changed', seq: place },
      offline: { seq: place },
    });
    const links = await damaged(swap('audit_chain', 'seq'));
    expect(links).toMatchObject({
      online: { kind: 'order', seq: place },
      offline: { kind: 'order', seq: place },
    });
  });

  test.each([0, 700, 1_000, 1_100, ROWS - 1])('the tail cut after %i is found', async (kept) => {
    const cut = [
      `DELETE FROM audit_chain WHERE seq > ${kept}`,
      `DELETE FROM audit_log WHERE id > ${kept}`,
      `DELETE FROM audit_personal WHERE audit_id > ${kept}`,
      // The table of checkpoints is in the same hands; the file is not.
      `DELETE FROM audit_checkpoints WHERE seq > ${kept}`,
    ];
    expect(await damaged(cut)).toMatchObject({ online: { kind: 'tail_cut', seq: kept + 1 } });
  });

  test('a chain rewritten from the first row on, with all its rows, is found by the file', async () => {
    // The whole log again, without row 300, chained properly by a sealer without a lease.
    await run('DELETE FROM audit_chain WHERE seq > 0');
    await run('DELETE FROM audit_checkpoints');
    await run('DELETE FROM audit_log WHERE id = 300');
    await run('DELETE FROM audit_personal WHERE audit_id = 300');
    await run('INSERT INTO audit_unsealed SELECT id FROM audit_log');
    const before = readFileSync(bench.checkpointPath);
    try {
      await bench.sealer().seal();
      // What the rewriting sealer vouched for itself does not help it: the older line stands.
      const found = (await verify()).fault;
      expect(found).toMatchObject({ kind: 'chain_rewritten', seq: 1 });
      // Nobody had to ask: who took over has looked, and put it on record.
      const { items } = await bench.service.list(bench.database.pool, { action: 'audit.tampered' });
      expect(items).toMatchObject([{ object: 'chain', outcome: 'failed' }]);
    } finally {
      await run('DELETE FROM audit_unsealed');
      writeFileSync(bench.checkpointPath, before);
      await restore();
    }
  });

  test('a row put in past the server is named', async () => {
    const found = await damaged(`INSERT INTO audit_log (id, at, actor_kind, action, outcome)
      VALUES (9999, now(), 'local', 'agents.put', 'ok')`);
    expect(found).toMatchObject({ online: { kind: 'row_unchained', audit_id: 9_999 } });
  });

  test('a row put in the queue without a seal, or with another’s, is chained as tampered and reported', async () => {
    await run(`INSERT INTO audit_log (id, at, actor_kind, actor, action, outcome)
      VALUES (9999, '2026-01-01', 'local', 'opmas', 'agents.put', 'ok')`);
    await run(`INSERT INTO audit_log (id, at, actor_kind, actor, action, outcome, key_id, hmac)
      SELECT 9998, at, actor_kind, actor, action, outcome, key_id, hmac FROM audit_log WHERE id = 5`);
    await run('INSERT INTO audit_unsealed VALUES (9998), (9999), (9997)');
    const file = readFileSync(bench.checkpointPath);
    try {
      await bench.sealer().seal();
      expect((await verify()).fault).toMatchObject({
        kind: 'row_missing',
        seq: ROWS + 1,
        audit_id: 9_997,
      });
      const { items } = await bench.service.list(bench.database.pool, { action: 'audit.tampered' });
      expect(items.map(({ object, details }) => [object, details['verdict']])).toEqual([
        ['9999', 'tampered'],
        ['9998', 'tampered'],
        ['9997', 'missing'],
      ]);
    } finally {
      writeFileSync(bench.checkpointPath, file);
      await restore();
    }
  });

  test('a name, an address or a program changed afterwards is named', async () => {
    for (const [place, change] of [
      [3, `name = 'mallory'`],
      [700, 'remote = NULL'],
      [ROWS, `user_agent = 'x'`],
      [1_000, `person_id = 'x'`],
    ] as const) {
      const found = await damaged(
        `UPDATE audit_personal SET ${change} WHERE audit_id = ${place} AND part = 0`,
      );
      const fault = { kind: 'personal_changed', seq: place, audit_id: place };
      expect(found).toMatchObject({ online: fault, offline: fault });
    }
  });

  test('a name deleted without an erasure is named, also when it is passed off as erased', async () => {
    const fault = { kind: 'personal_missing', seq: 42, audit_id: 42 };
    const gone = `DELETE FROM audit_personal WHERE audit_id = 42`;
    expect(await damaged(gone)).toMatchObject({ online: fault, offline: fault });
    const disguised = [gone, `INSERT INTO audit_erased VALUES (42, 0, gen_random_uuid())`];
    expect(await damaged(disguised)).toMatchObject({ online: fault, offline: fault });
  });

  test('a checkpoint with a signature of another key is named', async () => {
    const found = await damaged(
      `UPDATE audit_checkpoints SET signature = '${'A'.repeat(86)}' WHERE seq = 1000`,
    );
    const fault = { kind: 'checkpoint_signature', seq: 1_000 };
    expect(found).toMatchObject({ online: fault, offline: fault });
  });
});

describe('X23 audit tampering in an export (ASVS 16.4.2)', () => {
  const exported = async () => {
    const lines: string[] = [];
    for await (const text of bench.service.export(bench.database.pool, {})) {
      lines.push(...text.split('\n').filter((line) => line !== ''));
    }
    return lines;
  };
  const faultOf = async (lines: readonly string[], pinned: readonly string[] = []) =>
    (await verifyExport(each(lines), { pinned })).fault;

  test('cut anywhere, it is found incomplete', async () => {
    const lines = await exported();
    for (const kept of [0, 1, 2, 600, lines.length - 1]) {
      expect(await faultOf(lines.slice(0, kept))).toMatchObject({ kind: 'incomplete' });
    }
  });

  test('entries cut away with the signed end kept are missed', async () => {
    const lines = await exported();
    const end = lines.at(-1) ?? '';
    expect(await faultOf([...lines.slice(0, 100), end])).toMatchObject({ kind: 'tail_cut' });
    expect(await faultOf([...lines.slice(0, -2), end])).toMatchObject({
      kind: 'tail_cut',
      seq: ROWS,
    });
  });

  test('an edited line is named by its row', async () => {
    const lines = await exported();
    const at = lines.findIndex((line) => line.includes('"seq":77,'));
    const edited = lines.with(at, (lines[at] ?? '').replace('agent-76', 'agent-67'));
    expect(edited[at]).not.toBe(lines[at]);
    expect(await faultOf(edited)).toMatchObject({ kind: 'row_changed', seq: 77, audit_id: 77 });
  });

  test('one made up with a key of its own is not believed by who has pinned the key', async () => {
    const lines = await exported();
    const [{ public_key } = { public_key: '' }] = (await verify()).keys;
    expect(await faultOf(lines, [public_key])).toBeUndefined();
    expect(await faultOf(lines, ['A'.repeat(43)])).toMatchObject({ kind: 'checkpoint_signature' });
  });

  test('lines that are something else are named', async () => {
    const lines = await exported();
    for (const wrong of ['{', '"x"', 'null', '{"type":"entry"}', '[]']) {
      expect(await faultOf(lines.with(5, wrong))).toMatchObject({
        kind: 'incomplete',
        message: expect.stringContaining('Line 6'),
      });
    }
  });

  test('a stretch of time is a stretch of the chain that verifies on its own', async () => {
    const from = new Date(Date.UTC(2026, 0, 1) + 400).toISOString();
    const to = new Date(Date.UTC(2026, 0, 1) + 499).toISOString();
    const lines: string[] = [];
    for await (const text of bench.service.export(bench.database.pool, { from, to })) {
      lines.push(...text.split('\n'));
    }
    expect(await verifyExport(each(lines))).toMatchObject({
      rows: 100,
      from: 400,
      to: 499,
      fault: undefined,
    });
  });
});

test('half a line, left by a crash, spoils neither what was before nor what comes', async () => {
  const before = readFileSync(bench.checkpointPath, 'utf8');
  writeFileSync(bench.checkpointPath, `${before}{"seq": 12`);
  try {
    await bench.database.transaction((tx) => bench.audit.record(tx, entry()));
    const sealer = bench.sealer();
    await sealer.seal();
    await sealer.finish();
    const { furthest } = await bench.file.read(0, 0);
    expect(furthest?.seq).toBe(ROWS + 1);
    expect((await verify()).ok).toBe(true);
  } finally {
    writeFileSync(bench.checkpointPath, before);
    await restore();
  }
});
