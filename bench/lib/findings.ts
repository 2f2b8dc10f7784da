/** The findings table as the benchmarks read it, on a connection of their own. */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import type { Product } from '../../e2e/product.ts';
import { MARK } from './lines.ts';

export interface Ledger {
  rows: number;
  /** Expected numbers without a row. */
  lost: number;
  /** Rows beyond the first of one number. */
  duplicates: number;
  /** Rows without a number, or with one never sent. */
  foreign: number;
}

export interface SeenRow {
  mark: number;
  recordedAt: Date;
}

export class FindingsTable {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(product: Product): Promise<FindingsTable> {
    const client = new pg.Client({ connectionString: urlOf(product, 'OPMAS_DATABASE_URL') });
    await client.connect();
    return new FindingsTable(client);
  }

  async count(): Promise<number> {
    const { rows } = await this.#client.query<{ n: string }>(
      'SELECT count(*) AS n FROM finding_keys',
    );
    return Number(rows[0]?.n ?? 0);
  }

  /** Compares the rows with the numbers 0 to `sent` - 1. */
  async ledger(sent: number): Promise<Ledger> {
    const { rows } = await this.#client.query<{ mark: string | null; n: string }>(
      `SELECT substring(details->'event'->>'message' from $1) AS mark, count(*) AS n
       FROM findings GROUP BY 1`,
      [MARK],
    );
    let all = 0;
    let known = 0;
    let duplicates = 0;
    let foreign = 0;
    for (const { mark, n } of rows) {
      all += Number(n);
      if (mark === null || Number(mark) >= sent) foreign += Number(n);
      else {
        known += 1;
        duplicates += Number(n) - 1;
      }
    }
    return { rows: all, lost: sent - known, duplicates, foreign };
  }

  /** Rows recorded at `from` or later: the last ones seen come again, as the time has milliseconds only. */
  async since(from: Date): Promise<SeenRow[]> {
    const { rows } = await this.#client.query<{ mark: string | null; recorded_at: Date }>({
      name: 'since',
      text: `SELECT substring(details->'event'->>'message' from $1) AS mark, recorded_at
             FROM findings WHERE recorded_at >= $2`,
      values: [MARK, from],
    });
    return rows.map(({ mark, recorded_at }) => ({ mark: Number(mark), recordedAt: recorded_at }));
  }

  close(): Promise<void> {
    return this.#client.end();
  }
}

/** Milliseconds of `times` commits of one small row each: the floor of whatever is stored durably. */
export async function commitTimes(product: Product, times: number): Promise<number[]> {
  const url = urlOf(product, 'OPMAS_DATABASE_MIGRATE_URL');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('CREATE TABLE IF NOT EXISTS bench_commits (n integer)');
    const samples: number[] = [];
    for (let n = 0; n < times; n++) {
      const began = performance.now();
      await client.query({
        name: 'commit',
        text: 'INSERT INTO bench_commits VALUES ($1)',
        values: [n],
      });
      samples.push(performance.now() - began);
    }
    await client.query('DROP TABLE bench_commits');
    return samples;
  } finally {
    await client.end();
  }
}

/** As the server was given it: the launcher tells nobody else where its database is. */
function urlOf(product: Product, variable: string): string {
  const environment = readFileSync(`/proc/${product.pidOf('server')}/environ`, 'utf8').split('\0');
  const found = environment.find((entry) => entry.startsWith(`${variable}=`));
  if (found === undefined) throw new Error(`the server has no ${variable}`);
  return found.slice(variable.length + 1);
}
