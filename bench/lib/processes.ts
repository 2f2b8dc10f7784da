/** CPU time and memory of every process of a running product, by part (Linux). */
import { readdirSync, readFileSync } from 'node:fs';
import { processesOf } from '../../e2e/product.ts';

/** Ticks of /proc/<pid>/stat; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

const PARTS: readonly (readonly [RegExp, string])[] = [
  [/runner\/start\.mjs/, 'agents'],
  [/collector\/src\/main\.ts/, 'collector'],
  [/server\/src\/main\.ts/, 'server'],
  [/supervisor\/src\/main\.ts/, 'host'],
  [/cli\/src\/main\.ts/, 'up'],
  [/nats-server/, 'nats'],
  [/postgres/, 'postgres'],
];

interface ProductProcess {
  pid: number;
  part: string;
}

/** CPU seconds so far by part. Read it while everything runs: what has ended counts with its parent. */
export function cpuSeconds(home: string): Map<string, number> {
  return sumByPart(home, ({ pid }) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return ticks / TICKS_PER_SECOND;
  });
}

/** Proportional set size in MB by part: shared pages count once over all their users. */
export function memoryMegabytes(home: string): Map<string, number> {
  return sumByPart(home, ({ pid }) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) / 1024;
  });
}

/** Sum of a map's values. */
export function total(values: ReadonlyMap<string, number>): number {
  return [...values.values()].reduce((sum, value) => sum + value, 0);
}

/** `a 12, b 3` in falling order, by part. */
export function byPart(values: ReadonlyMap<string, number>, digits: number): string {
  return [...values]
    .sort(([, a], [, b]) => b - a)
    .map(([part, value]) => `${part} ${value.toFixed(digits)}`)
    .join(', ');
}

function sumByPart(
  home: string,
  measure: (process: ProductProcess) => number,
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const process of productProcesses(home)) {
    try {
      const { part } = process;
      sums.set(part, (sums.get(part) ?? 0) + measure(process));
    } catch (error) {
      if (readdirSync('/proc').includes(String(process.pid))) throw error; // else it has just ended
    }
  }
  return sums;
}

function productProcesses(home: string): ProductProcess[] {
  return processesOf(home).map((text) => {
    const space = text.indexOf(' ');
    const command = text.slice(space + 1);
    const part = PARTS.find(([pattern]) => pattern.test(command))?.[1] ?? 'other';
    return { pid: Number(text.slice(0, space)), part };
  });
}
