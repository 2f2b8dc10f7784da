/** B9: from the command to the ready line, cold and warm, and the memory of everything embedded. */
import { setTimeout as delay } from 'node:timers/promises';
import { AGENT_FOLDERS, type Product, startProduct } from '../e2e/product.ts';
import type { BenchOptions } from './lib/options.ts';
import { byPart, cpuSeconds, memoryMegabytes, total } from './lib/processes.ts';
import { median, type Peer, type Report } from './lib/report.ts';
import { limits } from './limits.ts';

const COLD = 'cold start to the ready line';
const WARM = 'warm start to the ready line';

interface Start {
  seconds: number;
  /** CPU of all its processes until then. */
  cpu: Map<string, number>;
  /** Milliseconds of each part, as `opmas up` says them. */
  parts: Map<string, number>;
}

export async function start({ seconds }: BenchOptions): Promise<Report> {
  let began = performance.now();
  const product = await startProduct();
  try {
    const cold = startOf(product, began);
    await product.waitForAgents(AGENT_FOLDERS.length);
    const warm: Start[] = [];
    for (let n = 0; n < limits.warmStarts; n++) {
      await product.halt();
      began = performance.now();
      await product.restart();
      warm.push(startOf(product, began));
    }
    await product.waitForAgents(AGENT_FOLDERS.length);
    // Shorter runs are for looking whether this works, not for figures.
    await delay(Math.min(limits.idleMs, seconds * 1000));
    const memory = memoryMegabytes(product.home);
    const middle = median(warm.map((each) => each.seconds));
    return {
      id: 'B9',
      title: `start, and memory with ${AGENT_FOLDERS.length} agents`,
      figures: [
        { name: COLD, value: cold.seconds, unit: 's', goal: { most: 5 } },
        { name: WARM, value: middle, unit: 's', goal: { most: 2 } },
        { name: 'CPU time of a cold start', value: total(cold.cpu), unit: 's' },
        {
          name: 'CPU time of a warm start',
          value: median(warm.map(({ cpu }) => total(cpu))),
          unit: 's',
        },
        { name: 'memory (PSS), idle', value: total(memory), unit: 'MB', goal: { most: 450 } },
      ],
      peers: [serversAlone(COLD, [cold]), serversAlone(WARM, warm)],
      notes: [
        `cold, CPU s: ${byPart(cold.cpu, 2)}; ms: ${byPart(cold.parts, 0)}`,
        `warm, CPU s: ${warm.map(({ cpu }) => byPart(cpu, 2)).at(-1)}; ms: ${warm.map(({ parts }) => byPart(parts, 0)).at(-1)}`,
        `memory, MB: ${byPart(memory, 0)}`,
      ],
    };
  } finally {
    await product.stop();
  }
}

function startOf(product: Product, began: number): Start {
  const seconds = (performance.now() - began) / 1000;
  const cpu = cpuSeconds(product.home);
  const parts = new Map<string, number>();
  for (const [, part = '', ms] of product.output().matchAll(/^(\w+) is ready \((\d+) ms\)$/gm)) {
    parts.set(part, Number(ms));
  }
  return { seconds, cpu, parts };
}

/** What PostgreSQL and NATS alone took: no start can be faster than that. */
function serversAlone(against: string, starts: readonly Start[]): Peer {
  const value = median(
    starts.map(({ parts }) => ((parts.get('postgres') ?? 0) + (parts.get('nats') ?? 0)) / 1000),
  );
  return { name: 'PostgreSQL and NATS of that start', value, unit: 's', against };
}
