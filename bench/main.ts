/** `npm run bench`: runs the benchmarks one after the other and prints what they found. */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { type BenchOptions, readOptions } from './lib/options.ts';
import { describe, type Report } from './lib/report.ts';

const BENCHMARKS: Readonly<
  Record<string, () => Promise<(options: BenchOptions) => Promise<Report>>>
> = {
  B1: async () => (await import('./b1-rules.ts')).ruleMatching,
  B2: async () => (await import('./b2-agent-step.ts')).agentStep,
  B3: async () => (await import('./b3-end-to-end.ts')).endToEnd,
  B4: async () => (await import('./b4-latency.ts')).latency,
  B9: async () => (await import('./b9-start.ts')).start,
};

const options = optionsOrExit();
const reports: (Report & { load: number })[] = [];
for (const [id, load] of Object.entries(BENCHMARKS)) {
  if (options.only.length > 0 && !options.only.includes(id)) continue;
  const benchmark = await load();
  const report = { ...(await benchmark(options)), load: loadavg()[0] ?? Number.NaN };
  reports.push(report);
  console.log(
    `${describe(report).join('\n')}\n    load of the machine: ${report.load.toFixed(1)}\n`,
  );
}
const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
console.log(`${machine.cores} cores, ${machine.cpu}, Node ${machine.node}`);
if (options.json !== undefined) {
  const taken = new Date().toISOString();
  writeFileSync(options.json, `${JSON.stringify({ taken, machine, reports }, undefined, 2)}\n`);
}

function optionsOrExit(): BenchOptions {
  try {
    return readOptions(process.argv.slice(2), Object.keys(BENCHMARKS));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}
