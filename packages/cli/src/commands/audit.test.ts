/** `opmas audit` against a server that answers as told, and on exports without any server. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditKey, commitment, nextLink, rowSeal, signCheckpoint } from '@opmas/keyring';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bench, bench } from '../testing/bench.ts';

const SIGN = { id: 'sign', bytes: new Uint8Array(32).fill(1) };
const CHAIN = 'c'.repeat(64);
const HOSTILE = 'evil\u001b[2J\u009b31m\u202e\r\n';

let cli: Bench;
let log: string[] = exported(5);
let verification: object[] = [];

beforeAll(async () => {
  cli = await bench(({ path, query }) => {
    if (path === '/api/v1/audit/export') return { text: `${log.join('\n')}\n` };
    if (path === '/api/v1/audit/verify') {
      return { body: verification[Number(query.get('cursor') ?? 0)] };
    }
    if (path === '/api/v1/audit') return { body: { items: [record()], next_cursor: null } };
    return { status: 404 };
  });
});
afterAll(() => cli.stop());

/** An export as the server writes it. */
function exported(count: number): string[] {
  let tail = { seq: 0, hash: CHAIN };
  const entries = Array.from({ length: count }, (_, index) => {
    const person = {
      part: 0,
      person_id: 'u',
      name: HOSTILE,
      remote: null,
      user_agent: null,
      salt: 's',
    };
    const row = {
      id: index + 10,
      at: '2026-01-01T00:00:00.000000Z',
      actor_kind: 'user',
      actor: null,
      actor_id: null,
      action: 'configs.put',
      object: `agent-${index}`,
      outcome: 'ok',
      details: { text: HOSTILE },
      before: null,
      after: null,
      request_id: null,
      personal: [commitment(person)],
      key_id: 'k',
      hmac: null,
    };
    const sealed = { ...row, hmac: rowSeal(row, new Uint8Array(32)) };
    const link = nextLink(tail, { audit_id: row.id, verdict: 'sealed', row: sealed });
    tail = { seq: link.seq, hash: link.hash };
    return { type: 'entry', link, row: sealed, personal: [person], erased: [] };
  });
  const header = {
    type: 'opmas-audit',
    version: 1,
    chain: CHAIN,
    from: { seq: 0, hash: CHAIN },
    unsigned_up_to: 0,
    keys: [auditKey(SIGN)],
  };
  const time = '2026-01-01T00:00:01.000Z';
  const checkpoint = signCheckpoint({ chain: CHAIN, ...tail, count, time }, SIGN);
  return [header, ...entries, { type: 'end', checkpoint }].map((line) => JSON.stringify(line));
}

function record() {
  return {
    audit_id: 1,
    seq: 1,
    time: '2026-01-01T00:00:00.000Z',
    actor_kind: 'user',
    actor_id: 'u',
    actor: HOSTILE,
    action: 'configs.put',
    object: HOSTILE,
    outcome: 'ok',
    details: { text: HOSTILE },
    before: null,
    after: null,
    remote: '192.0.2.1',
    user_agent: HOSTILE,
    request_id: null,
    erased: false,
  };
}

const saved = (name: string, lines: readonly string[]) => {
  const path = join(cli.home, name);
  writeFileSync(path, lines.join('\n'));
  return path;
};

describe('X23 audit verify on a file (ASVS 16.4.2)', () => {
  test('a whole export verifies without any server and without any key', async () => {
    const path = saved('whole.ndjson', log);
    const found = await cli.run(['audit', 'verify', path, '--json']);
    expect(found.code).toBe(0);
    expect(found.json()).toMatchObject({ ok: true, fault: null, rows: 5, from: 1, to: 5 });
    expect(cli.asked).toEqual([]);
  });

  test('the first bad row is named, and the exit code is 10', async () => {
    for (let index = 0; index < 5; index += 1) {
      const line = (log[index + 1] ?? '').replace(`agent-${index}`, 'agent-x');
      const path = saved('edited.ndjson', log.with(index + 1, line));
      const found = await cli.run(['audit', 'verify', path, '--json']);
      expect(found.code).toBe(10);
      expect(found.json()).toMatchObject({
        ok: false,
        fault: { kind: 'row_changed', seq: index + 1, audit_id: index + 10 },
      });
    }
    const text = await cli.run(['audit', 'verify', join(cli.home, 'edited.ndjson')]);
    expect(text.out).toMatch(/NOT WHOLE[^]*first bad row +14/);
  });

  test('with a key that is named, no other is believed', async () => {
    const path = saved('whole.ndjson', log);
    const { public_key } = auditKey(SIGN);
    const other = auditKey({ id: 'sign', bytes: new Uint8Array(32).fill(2) }).public_key;
    expect((await cli.run(['audit', 'verify', path, '--key', public_key])).code).toBe(0);
    expect((await cli.run(['audit', 'verify', path, '--key', other])).code).toBe(10);
    expect((await cli.run(['audit', 'verify', path, '--key', 'x'])).code).toBe(2);
  });

  test('stdin, a file that is none, one cut short, and a line without end', async () => {
    expect((await cli.run(['audit', 'verify', '-'], { stdin: log.join('\n') })).code).toBe(0);
    expect((await cli.run(['audit', 'verify', join(cli.home, 'none')])).code).toBe(3);
    const short = await cli.run(['audit', 'verify', saved('short', log.slice(0, 4)), '--json']);
    expect(short.code).toBe(10);
    expect(short.json()).toMatchObject({ fault: { kind: 'incomplete' } });
    const endless = saved('endless', ['x'.repeat(5 * 1024 * 1024)]);
    expect((await cli.run(['audit', 'verify', endless])).code).toBe(2);
  });
});

describe('audit verify on a server', () => {
  const part = (given: object) => ({
    ok: true,
    fault: null,
    from: 1,
    to: 0,
    total: 8,
    checkpoints: 1,
    waiting: 0,
    keys: [auditKey(SIGN)],
    next_cursor: null,
    ...given,
  });

  test('asks for every stretch, and stops at the first that is not whole', async () => {
    verification = [part({ to: 5, next_cursor: '1' }), part({ from: 6, to: 8 })];
    const whole = await cli.run(['audit', 'verify', '--json']);
    expect(whole.json()).toMatchObject({ ok: true, rows: 8, checkpoints: 2 });
    const fault = { kind: 'tail_cut', seq: 7, audit_id: null, message: 'm' };
    verification = [part({ to: 5, next_cursor: '1' }), part({ ok: false, to: 6, fault })];
    const broken = await cli.run(['audit', 'verify', '--json']);
    expect(broken.code).toBe(10);
    expect(broken.json()).toMatchObject({ ok: false, fault });
  });

  test('a server that signs with a key that is not the named one is not believed', async () => {
    verification = [part({ to: 8 })];
    const args = ['audit', 'verify', '--key'];
    expect((await cli.run([...args, auditKey(SIGN).public_key])).code).toBe(0);
    expect((await cli.run([...args, 'A'.repeat(43)])).code).toBe(10);
  });
});

describe('audit ls and export', () => {
  test('X20 hostile names do nothing to a terminal', async () => {
    for (const args of [
      ['audit', 'ls'],
      ['audit', 'ls', '--json'],
      ['audit', 'export'],
    ]) {
      const { out, code } = await cli.run([...args]);
      expect(code).toBe(0);
      expect(out).toContain('evil');
      expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });

  test('filters are handed on', async () => {
    await cli.run(['audit', 'ls', '--actor', 'a', '--action', 'users.*', '--outcome', 'refused']);
    const { query } = cli.asked.at(-1) ?? {};
    expect(Object.fromEntries(query ?? [])).toMatchObject({
      actor: 'a',
      action: 'users.*',
      outcome: 'refused',
    });
  });

  test('what is printed verifies, what is saved verifies, is private, and overwrites nothing', async () => {
    const printed = await cli.run(['audit', 'export']);
    expect((await cli.run(['audit', 'verify', '-'], { stdin: printed.out })).code).toBe(0);
    const path = join(cli.home, 'saved.ndjson');
    const args = ['audit', 'export', '-o', path];
    expect((await cli.run(args)).code).toBe(0);
    expect(statSync(path).mode & 0o077).toBe(0);
    expect((await cli.run(['audit', 'verify', path])).code).toBe(0);
    expect((await cli.run(args)).code).toBe(2);
    expect(readFileSync(path, 'utf8')).toBe(`${log.join('\n')}\n`);
  });

  test('an export that is not whole is saved to its end, and said to be so', async () => {
    const whole = log;
    log = log.with(2, (log[2] ?? '').replace('agent-1', 'agent-x'));
    try {
      const path = join(cli.home, 'evidence.ndjson');
      const found = await cli.run(['audit', 'export', '-o', path]);
      expect(found.code).toBe(10);
      expect(found.err).toContain('Row 11');
      expect(readFileSync(path, 'utf8')).toBe(`${log.join('\n')}\n`);
    } finally {
      log = whole;
    }
  });
});
