/** B4: from the write of a line on the syslog TCP port to its finding's row, and to the page's WebSocket. */
import { tempDir, waitFor } from '@opmas/testkit';
import { type Product, startProduct } from '../e2e/product.ts';
import { AGENT_NAME, writeAgentPackage } from './lib/agent-package.ts';
import { followFeed } from './lib/feed.ts';
import { commitTimes, FindingsTable } from './lib/findings.ts';
import { benignLine, matchingLine } from './lib/lines.ts';
import type { BenchOptions } from './lib/options.ts';
import { seeded } from './lib/random.ts';
import { percentile, type Report } from './lib/report.ts';
import { rulePack, type SampledRule } from './lib/rules.ts';
import { atPace, closeSender, openSender } from './lib/sender.ts';
import { limits } from './limits.ts';

const PER_SECOND = 1_000;
/** One line in so many matches. */
const MATCHING = 10;
const COMMITS = 200;

export async function latency({ seconds }: BenchOptions): Promise<Report> {
  const rules = rulePack(limits.rules);
  const dir = tempDir('bench');
  try {
    const product = await startProduct({ agents: [writeAgentPackage(dir.path, rules)] });
    try {
      await product.waitForAgent(AGENT_NAME);
      return await measure(product, rules, seconds);
    } finally {
      await product.stop();
    }
  } finally {
    dir.remove();
  }
}

async function measure(
  product: Product,
  rules: readonly SampledRule[],
  seconds: number,
): Promise<Report> {
  const commits = await commitTimes(product, COMMITS);
  const table = await FindingsTable.open(product);
  const toPage = new Arrivals();
  const toRow = new Arrivals();
  const feed = await followFeed(product, (mark) => toPage.arrived(mark));
  const watching = watchTable(table, toRow);
  try {
    const { host, tcp_port: port } = product.syslog;
    const socket = await openSender({ host, port });
    const random = seeded(3);
    let mark = 0;
    const send = async (count: number) => {
      await atPace({ count, perSecond: PER_SECOND }, (n) => {
        const now = new Date();
        if (n % MATCHING !== 0) socket.write(benignLine(random, now));
        else {
          toRow.left(mark);
          toPage.left(mark);
          socket.write(matchingLine(rules, mark++, now));
        }
      });
      await waitFor(() => toRow.waiting() === 0 && toPage.waiting() === 0, {
        timeoutMs: limits.settleMs,
        what: `${mark} findings in the table and on the feed`,
      });
    };
    await send(2 * PER_SECOND); // warm-up
    toRow.forget();
    toPage.forget();
    await send(seconds * PER_SECOND);
    await closeSender(socket);
    const row = toRow.milliseconds();
    const page = toPage.milliseconds();
    return {
      id: 'B4',
      title: `latency at ${PER_SECOND} lines a second, ${limits.rules} rules, ${row.length} findings`,
      figures: [
        { name: 'line to row, p50', value: percentile(row, 0.5), unit: 'ms' },
        { name: 'line to row, p99', value: percentile(row, 0.99), unit: 'ms', goal: { most: 100 } },
        { name: 'line to WebSocket, p50', value: percentile(page, 0.5), unit: 'ms' },
        {
          name: 'line to WebSocket, p99',
          value: percentile(page, 0.99),
          unit: 'ms',
          goal: { most: 200 },
        },
      ],
      peers: [0.5, 0.99].map((share) => ({
        name: `one COMMIT of this PostgreSQL, p${share * 100}`,
        value: percentile(commits, share),
        unit: 'ms',
        against: `line to row, p${share * 100}`,
      })),
      notes: [
        `the table is asked every ${limits.pollMs} ms: a row may be that much older than it seems`,
      ],
    };
  } finally {
    feed.close();
    await watching.stop();
    await table.close();
  }
}

/** Times between leaving and first arrival, by number. */
class Arrivals {
  readonly #left = new Map<number, number>();
  #samples: number[] = [];

  left(mark: number): void {
    this.#left.set(mark, performance.now());
  }

  arrived(mark: number): void {
    const at = this.#left.get(mark);
    if (at === undefined) return;
    this.#samples.push(performance.now() - at);
    this.#left.delete(mark);
  }

  waiting(): number {
    return this.#left.size;
  }

  milliseconds(): number[] {
    return this.#samples;
  }

  forget(): void {
    this.#samples = [];
  }
}

function watchTable(table: FindingsTable, arrivals: Arrivals): { stop(): Promise<void> } {
  const ended = new AbortController();
  const run = async () => {
    let from = new Date(Date.now() - 60_000);
    while (!ended.signal.aborted) {
      for (const { mark, recordedAt } of await table.since(from)) {
        arrivals.arrived(mark);
        if (recordedAt > from) from = recordedAt;
      }
      await new Promise((resolve) => setTimeout(resolve, limits.pollMs));
    }
  };
  const done = run();
  return {
    stop: () => {
      ended.abort();
      return done;
    },
  };
}
