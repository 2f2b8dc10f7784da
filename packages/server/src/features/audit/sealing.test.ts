/** One chain, without a gap or a fork, whoever seals and whoever dies doing it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { waitFor } from '@opmas/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../kernel/logger.ts';
import { sql } from '../../kernel/sql.ts';
import { holdLease } from '../leases/index.ts';
import { ALWAYS, type AuditBench, auditBench, entry } from './testing/bench.ts';

const SEALER = fileURLToPath(new URL('testing/sealer-process.ts', import.meta.url));

let bench: AuditBench;
const children: ChildProcess[] = [];
beforeAll(async () => {
  bench = await auditBench();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
});
afterAll(() => bench.stop());

const startSealer = () => {
  const child = spawn(process.execPath, [SEALER, bench.test.url, bench.checkpointPath], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  return child;
};
const one = async <T>(query: ReturnType<typeof sql>): Promise<T> =>
  (await query.execute(bench.owner.pool)).rows[0] as T;
const waiting = async () =>
  (await one<{ n: number }>(sql`SELECT count(*) AS n FROM audit_unsealed`)).n;

/** Every row once, numbers without a gap, one hash after the other. */
async function expectOneChain(): Promise<void> {
  expect(
    await one(sql`SELECT
      (SELECT count(*) FROM audit_log) AS rows, (SELECT count(*) FROM audit_chain WHERE seq > 0) AS links,
      (SELECT max(seq) FROM audit_chain) AS last, (SELECT count(DISTINCT audit_id) FROM audit_chain WHERE seq > 0) AS chained`),
  ).toSatisfy(
    (c: { rows: number; links: number; last: number; chained: number }) =>
      c.rows === c.links && c.links === c.last && c.chained === c.rows,
  );
  let cursor: string | undefined;
  do {
    const part = await bench.service.verify(bench.database.pool, cursor);
    expect(part.fault).toBeNull();
    cursor = part.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

/** Transactions that end in another order than they began, and some that end in nothing. */
async function writeALot(writers: number, each: number): Promise<void> {
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let number = 0; number < each; number += 1) {
        await bench.database
          .transaction(async (tx) => {
            await bench.audit.record(tx, entry({ object: `${writer}-${number}` }));
            if (number % 7 === 3) {
              await sql`SELECT count(*) FROM generate_series(1, 50000)`.execute(tx);
            }
            if (number % 11 === 5) throw new Error('rolled back');
          })
          .catch((error: unknown) => {
            if (!(error instanceof Error) || error.message !== 'rolled back') throw error;
          });
      }
    }),
  );
}

describe('X23 sealing (ASVS 16.4.2)', () => {
  test('two sealers, the leading one killed under load: one chain, no fork, no gap, none skipped', async () => {
    startSealer();
    startSealer();
    const writing = writeALot(6, 250);
    const leader = async (after: number) => {
      const lease = await one<{ holder: string; epoch: number } | undefined>(
        sql`SELECT holder, epoch FROM leases WHERE name = 'audit' AND epoch > ${after}`,
      );
      return lease === undefined ? undefined : { ...lease, epoch: Number(lease.epoch) };
    };
    const first = await waitFor(() => leader(0), { what: 'a leader' });
    await waitFor(
      async () => (await one<{ n: number }>(sql`SELECT max(seq) AS n FROM audit_chain`)).n > 100,
      { what: 'the first links' },
    );
    process.kill(Number(first.holder), 'SIGKILL');
    // Its lease would end by itself after nine seconds.
    await sql`UPDATE leases SET expires_at = now() - interval '1 second' WHERE name = 'audit'`.execute(
      bench.owner.pool,
    );
    const second = await waitFor(() => leader(first.epoch), { what: 'another leader' });
    expect(second.holder).not.toBe(first.holder);
    await writing;
    await waitFor(async () => (await waiting()) === 0, { what: 'everything chained' });
    await expectOneChain();
    const { rows } = await sql<{ epoch: number }>`
      SELECT DISTINCT epoch FROM audit_chain WHERE seq > 0 ORDER BY epoch`.execute(
      bench.owner.pool,
    );
    expect(rows.map(({ epoch }) => Number(epoch))).toEqual([first.epoch, second.epoch]);
  }, 60_000);

  test('a row whose transaction ends after later ones were chained is chained too', async () => {
    const sealer = bench.sealer();
    const seqOf = async (object: string) =>
      (await bench.service.list(bench.database.pool, { object, limit: 1 })).items[0]?.seq;
    await bench.database.transaction(async (slow) => {
      await bench.audit.record(slow, entry({ object: 'slow' }));
      await bench.database.transaction((tx) => bench.audit.record(tx, entry({ object: 'quick' })));
      await sealer.seal();
      expect(await seqOf('quick')).toBeGreaterThan(0);
    });
    expect(await seqOf('slow')).toBeNull();
    await sealer.seal();
    expect(await seqOf('slow')).toBeGreaterThan((await seqOf('quick')) ?? Infinity);
    await expectOneChain();
  });

  test('two that both believe they lead: what one chains the other does not', async () => {
    await writeALot(4, 200);
    const both = [bench.sealer(ALWAYS), bench.sealer(ALWAYS)];
    // One of two at the same place fails and tries again, as its loop would.
    const work = async (sealer: (typeof both)[number]) => {
      while ((await waiting()) > 0) {
        try {
          await sealer.seal();
        } catch (error) {
          expect(String(error)).toMatch(/audit_chain_pkey|audit_chain_row|deadlock/);
        }
      }
    };
    await Promise.all(both.map(work));
    await expectOneChain();
  });

  test('one whose lease was taken chains nothing, however sure it is', async () => {
    const lease = holdLease({
      database: bench.database,
      name: 'audit',
      holder: 'old',
      logger: silentLogger,
    });
    await sql`DELETE FROM leases WHERE name = 'audit'`.execute(bench.owner.pool);
    await waitFor(() => lease.held(), { what: 'the lease' });
    const old = bench.sealer(lease);
    await bench.database.transaction((tx) => bench.audit.record(tx, entry()));
    await old.seal();
    expect(await waiting()).toBe(0);

    await sql`UPDATE leases SET holder = 'new', epoch = epoch + 1 WHERE name = 'audit'`.execute(
      bench.owner.pool,
    );
    await bench.database.transaction((tx) => bench.audit.record(tx, entry()));
    expect(lease.held()).toBe(true);
    await old.seal();
    expect(await waiting()).toBe(1);
    await lease.stop();
    await bench.sealer().seal();
    await expectOneChain();
  });

  test('a checkpoint is written after 1,000 rows, and a minute after the first of fewer', async () => {
    const lines = () =>
      readFileSync(bench.checkpointPath, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { seq: number });
    await writeRows(1);
    const sealer = bench.sealer();
    await sealer.seal();
    await sealer.finish();
    const before = lines();
    const start = before.at(-1)?.seq ?? 0;
    const add = async (count: number) => {
      await writeRows(count);
      await sealer.seal();
    };
    await add(5);
    expect(lines()).toHaveLength(before.length);
    bench.clock.advance(59_000);
    await sealer.seal();
    expect(lines()).toHaveLength(before.length);
    bench.clock.advance(1_000);
    await sealer.seal();
    expect(lines().at(-1)?.seq).toBe(start + 5);
    await add(2_050);
    expect(
      lines()
        .slice(-2)
        .map(({ seq }) => seq),
    ).toEqual([start + 1_005, start + 2_005]);
    const { rows } = await sql<{
      seq: number;
    }>`SELECT seq FROM audit_checkpoints ORDER BY seq`.execute(bench.database.pool);
    expect(rows.slice(-2)).toEqual([{ seq: start + 1_005 }, { seq: start + 2_005 }]);
    await expectOneChain();
  });
});

async function writeRows(count: number): Promise<void> {
  await bench.database.transaction(async (tx) => {
    for (let number = 0; number < count; number += 1) await bench.audit.record(tx, entry());
  });
}
